using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using ReSciCredentials.Access;
using ReSciCredentials.ReSci;
using ReSciCredentials.Secrets;

namespace ReSciCredentials.Credentials;

/// <summary>What a person wants of an import.</summary>
/// <param name="Id">The same for every attempt to import the same file: sent again, it saves what is not saved yet.</param>
/// <param name="Duplicates">Also those whose key is stored already, or comes twice in the file.</param>
/// <param name="Unverified">Save those that ReSci gives no verdict about, as UNVERIFIED.</param>
internal sealed record ImportWishes(Guid Id, bool Duplicates, bool Unverified);

/// <summary>What becomes of one row, or would.</summary>
internal enum ImportState
{
    /// <summary>Beforehand: it would be tested and saved.</summary>
    New,

    /// <summary>Its key is stored already or comes twice; left out unless that was wished for.</summary>
    Duplicate,

    /// <summary>Something is wrong with the row.</summary>
    Faulty,

    /// <summary>Stored, now or by an earlier attempt of the same import.</summary>
    Saved,

    /// <summary>Stored without a verdict, as was wished for.</summary>
    SavedUnverified,

    /// <summary>ReSci refused the key; not stored.</summary>
    Refused,

    /// <summary>ReSci gave no verdict; not stored.</summary>
    CannotTell,

    /// <summary>ReSci was not asked, because it gave others no answer; not stored.</summary>
    NotAsked,
}

/// <summary>One row of a file, as a page shows it. There is no place for a key in it.</summary>
/// <param name="Line">Where it begins in the file, from 1.</param>
/// <param name="Text">What happened or is to be known, and what to do.</param>
/// <param name="Name">Null when it may not be shown.</param>
/// <param name="Id">The credential, once it is stored.</param>
internal sealed record ImportedRow(
    int Line,
    ImportState State,
    string? Text = null,
    string? Name = null,
    string? Description = null,
    string? Fingerprint = null,
    string? LastFour = null,
    int? Id = null);

/// <summary>
/// Makes credentials of the rows of a file. By the vault's own rules, one row after the other, each saved whole or not at all: an import that was stopped or
/// cut off is sent again and goes on.
/// </summary>
internal sealed class CredentialImport(CredentialVault vault, ImportPace pace)
{
    private static readonly TimeSpan LongestRest = TimeSpan.FromMinutes(1);

    /// <summary>What would be made, without asking ReSci and without saving.</summary>
    public async IAsyncEnumerable<ImportedRow> PreviewAsync(
        Person person, CredentialFile file, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var keys = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var row in file.ReadRows())
        {
            yield return await LookAsync(person, row, Input(row, Guid.Empty), keys, cancellationToken);
        }
    }

    /// <summary>Tests and saves. What is enumerated no further is not saved.</summary>
    /// <exception cref="ServerSealedException"/>
    public async IAsyncEnumerable<ImportedRow> RunAsync(
        Person person, CredentialFile file, ImportWishes wishes, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var keys = new Dictionary<string, int>(StringComparer.Ordinal);
        // Verdicts that were none, in a row: several mean that ReSci is down, and the rest is spared the wait.
        var silence = 0;
        foreach (var row in file.ReadRows())
        {
            var input = Input(row, OperationOf(wishes.Id, row.Line));
            var look = await LookAsync(person, row, input, keys, cancellationToken);
            if (look.State is ImportState.Saved or ImportState.Faulty || (look.State is ImportState.Duplicate && !wishes.Duplicates))
            {
                yield return look;
                continue;
            }

            if (silence >= OutageWatch.KeysUntilDown)
            {
                yield return wishes.Unverified
                    ? await SaveUnverifiedAsync(person, look, input, "ReSci gave no answer, so this key was not tested.", cancellationToken)
                    : look with { State = ImportState.NotAsked, Text = "ReSci gave several keys in a row no verdict, so this one was not tested and not saved." };
                continue;
            }

            await pace.TakeTurnAsync(cancellationToken);
            var outcome = await vault.SaveAsync(person, input, cancellationToken);
            if (outcome is SaveOutcome.CannotTell { Verdict: var verdict })
            {
                silence++;
                if (verdict.RetryAfter is { } wait)
                {
                    pace.Rest(wait < LongestRest ? wait : LongestRest);
                }

                yield return wishes.Unverified
                    ? await SaveUnverifiedAsync(person, look, input, verdict.Title, cancellationToken)
                    : look with { State = ImportState.CannotTell, Text = $"{verdict.Title} {verdict.Advice}" };
                continue;
            }

            silence = 0;
            yield return Tell(look, outcome);
        }
    }

    private async Task<ImportedRow> SaveUnverifiedAsync(
        Person person, ImportedRow look, NewCredential input, string why, CancellationToken cancellationToken) =>
        Tell(look, await vault.SaveAsync(person, input with { Unverified = true }, cancellationToken)) is { State: ImportState.Saved } saved
            ? saved with { State = ImportState.SavedUnverified, Text = why }
            : throw new InvalidOperationException("What needs no verdict and has no fault was not saved.");

    private static ImportedRow Tell(ImportedRow look, SaveOutcome outcome) => outcome switch
    {
        SaveOutcome.Saved saved => look with { State = ImportState.Saved, Id = saved.Id },
        SaveOutcome.Refused { Verdict: var verdict } => look with { State = ImportState.Refused, Text = $"{verdict.Title} {verdict.Advice}" },
        SaveOutcome.Invalid invalid => look with { State = ImportState.Faulty, Text = string.Join(' ', invalid.Errors.Values) },
        _ => throw new InvalidOperationException("What was asked about beforehand was asked about again."),
    };

    private async Task<ImportedRow> LookAsync(
        Person person, FileRow row, NewCredential input, Dictionary<string, int> keys, CancellationToken cancellationToken)
    {
        if (row.Fault is not null)
        {
            return new ImportedRow(row.Line, ImportState.Faulty, row.Fault);
        }

        // Columns in another order would put keys on the screen, as names.
        if (KeyLikeText.IsIn(row.Name) || KeyLikeText.IsIn(row.Description))
        {
            return new ImportedRow(
                row.Line,
                ImportState.Faulty,
                "What stands for the name or the description looks like an API key. The order is name, description, key, unless the first line says otherwise.");
        }

        var outlook = await vault.LookAheadAsync(person, input, cancellationToken);
        if (outlook.Fingerprint is not { } fingerprint)
        {
            // With a key at fault the columns may be in another order, and what stands for the name is not shown.
            var name = outlook.Errors.ContainsKey("name") || outlook.Errors.ContainsKey("key") ? null : input.Name;
            return new ImportedRow(row.Line, ImportState.Faulty, string.Join(' ', outlook.Errors.Values), name);
        }

        var seen = new ImportedRow(row.Line, ImportState.New, outlook.Same?.Text, input.Name!.Trim(), input.Description, fingerprint, outlook.LastFour);
        if (outlook.SavedAs is { } id)
        {
            keys.TryAdd(fingerprint, row.Line);
            return seen with { State = ImportState.Saved, Text = null, Id = id };
        }

        if (!keys.TryAdd(fingerprint, row.Line))
        {
            return seen with { State = ImportState.Duplicate, Text = $"The same key is in line {keys[fingerprint]}." };
        }

        return outlook.Same is { HasKey: true } ? seen with { State = ImportState.Duplicate } : seen;
    }

    // Told of beforehand, so nothing like it is asked about again.
    private static NewCredential Input(FileRow row, Guid operation) =>
        new(row.Name, row.Description, row.Key, operation, Unverified: false, Same: true);

    /// <summary>The same for the same row of the same import, and for no other.</summary>
    private static Guid OperationOf(Guid import, int line)
    {
        Span<byte> bytes = stackalloc byte[16 + sizeof(int)];
        import.TryWriteBytes(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[16..], line);
        return new Guid(SHA256.HashData(bytes).AsSpan(0, 16));
    }
}
