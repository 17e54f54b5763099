using System.Net;
using ReSciCredentials.Safekeeping;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Safekeeping;

/// <summary>What the owner sees and does at /settings/safekeeping, and that nobody else does.</summary>
public sealed class TheSafekeepingPage : IAsyncLifetime
{
    private const string Path = "/settings/safekeeping";

    private readonly TestDirectory _directory = new();
    private Vault _vault = null!;
    private Visitor _owner = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _vault = await Vault.StartAsync(_directory);
        _owner = await _vault.Server.SignInAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _vault.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task Shows_which_recovery_key_and_no_group_of_it()
    {
        var page = await _owner.GetAsync(Path);

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Contains(_vault.Seal.RecoveryKey.Id, page.Text, StringComparison.Ordinal);
        Assert.All(_vault.Seal.RecoveryKey.SheetGroups, group => Assert.DoesNotContain(group, page.Text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Makes_a_backup_and_then_rehearses_its_restore()
    {
        await _vault.AddAsync("One");
        var jobs = _vault.Server.Service<Jobs>();

        await _owner.SubmitAsync(Path, $"{Path}/backup");
        await Until.TrueAsync(async () => await jobs.LastGoodAsync(JobKind.Backup, Cancellation) is not null, TimeSpan.FromMinutes(1));
        await _owner.SubmitAsync(Path, $"{Path}/drill");
        await Until.TrueAsync(async () => await jobs.LastGoodAsync(JobKind.Drill, Cancellation) is not null, TimeSpan.FromMinutes(1));

        var page = await _owner.GetAsync(Path);
        Assert.Contains("1 of 1 keys opened", page.Text, StringComparison.Ordinal);
        Assert.Equal(TestServer.OwnerEmail, (await jobs.LastAsync(JobKind.Drill, Cancellation))!.RequestedBy);
    }

    [Theory]
    [InlineData("right", "The sheet is right")]
    [InlineData("other", "The sheet is of another recovery key")]
    [InlineData("too short", "A sheet has eight groups")]
    [InlineData("a slip in the second group", "Group 2 is not right")]
    public async Task Compares_a_typed_sheet_and_never_repeats_it(string sheet, string said)
    {
        string[] groups = sheet == "other" ? [.. RecoveryKey.Create().SheetGroups] : [.. _vault.Seal.RecoveryKey.SheetGroups];
        if (sheet == "too short")
        {
            groups = groups[..5];
        }
        else if (sheet == "a slip in the second group")
        {
            groups[1] = groups[1][..^1] + (groups[1][^1] == '0' ? '1' : '0');
        }

        var answer = await _owner.SubmitAsync(Path, $"{Path}/sheet", ("sheet", string.Join("\r\n", groups)));
        var page = await _owner.GetAsync(answer.Location!.Split('#')[0]);

        Assert.Contains(said, page.Text, StringComparison.Ordinal);
        Assert.All(groups, group => Assert.DoesNotContain(group, answer.Location + page.Text, StringComparison.Ordinal));
        Assert.All(groups, group => Assert.DoesNotContain(_vault.Server.Logs.GetSnapshot(), record => record.Message.Contains(group, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Wants_the_password_again_after_five_minutes()
    {
        await _directory.SqlAsync("UPDATE sessions SET CreatedAt = CreatedAt - $minutes", ("$minutes", TimeSpan.FromMinutes(6).Ticks));

        var page = await _owner.GetAsync(Path);
        var answer = await _owner.PostAsync($"{Path}/backup", ("__RequestVerificationToken", await _owner.AntiforgeryTokenAsync()));

        Assert.Contains("Confirm that it is you", page.Text, StringComparison.Ordinal);
        Assert.StartsWith("/confirm", answer.Location, StringComparison.Ordinal);
        Assert.Empty(await _vault.Server.Service<Jobs>().ListAsync(1, Cancellation));
    }

    [Fact]
    public async Task Does_not_exist_for_a_member()
    {
        await _directory.SqlAsync("UPDATE accounts SET Role = 'Member'");
        var token = ("__RequestVerificationToken", await _owner.AntiforgeryTokenAsync());

        Assert.Equal(HttpStatusCode.NotFound, (await _owner.GetAsync(Path)).Status);
        foreach (var form in new[] { "backup", "drill", "sheet" })
        {
            Assert.Equal(HttpStatusCode.NotFound, (await _owner.PostAsync($"{Path}/{form}", token, ("sheet", "x"))).Status);
        }

        var member = (await _vault.Server.OwnerAsync()) with { Role = AccountRole.Member };
        Assert.Empty(await _vault.Server.Service<ServerCare>().ListJobsAsync(member, Cancellation));
    }
}
