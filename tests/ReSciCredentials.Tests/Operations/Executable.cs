using System.Diagnostics;
using System.Reflection;
using System.Text;

namespace ReSciCredentials.Tests.Operations;

/// <summary>The program itself, as a process of its own, the way people start it.</summary>
internal static class Executable
{
    /// <summary>Runs a command to its end.</summary>
    public static async Task<Ended> RunAsync(IEnumerable<string> arguments, string typed = "")
    {
        using var process = Start(arguments);
        await process.StandardInput.WriteAsync(typed);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return new Ended(process.ExitCode, await output, await errors);
    }

    /// <param name="workingDirectory">Null: this process's own.</param>
    /// <param name="inside">An assembly whose hosting start-up is to run inside the program.</param>
    /// <param name="temporaryFiles">Where the program's temporary files go; null: where everybody's do.</param>
    /// <param name="trusted">A file with the certificate that the program trusts in place of the machine's; null: those of the machine.</param>
    /// <param name="fakeTime">How far the program's clock is off, as faketime reads it, such as <c>+200 days</c>; empty: not at all.</param>
    public static Process Start(
        IEnumerable<string> arguments,
        string? workingDirectory = null,
        Assembly? inside = null,
        string? temporaryFiles = null,
        string? trusted = null,
        string fakeTime = "")
    {
        var dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        var start = new ProcessStartInfo(fakeTime.Length > 0 ? "faketime" : dotnet)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
            WorkingDirectory = workingDirectory ?? "",
        };
        if (fakeTime.Length > 0)
        {
            start.ArgumentList.Add(fakeTime);
            start.ArgumentList.Add(dotnet);
        }

        if (inside is not null)
        {
            // With the files that say what this assembly needs; what the program needs is a part of that.
            start.ArgumentList.Add("exec");
            start.ArgumentList.Add("--depsfile");
            start.ArgumentList.Add(Path.ChangeExtension(inside.Location, ".deps.json"));
            start.ArgumentList.Add("--runtimeconfig");
            start.ArgumentList.Add(Path.ChangeExtension(inside.Location, ".runtimeconfig.json"));
            start.Environment["ASPNETCORE_HOSTINGSTARTUPASSEMBLIES"] = inside.GetName().Name;
        }

        start.ArgumentList.Add(typeof(Program).Assembly.Location);
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        // What is set for whoever runs the tests is not set for the program.
        start.Environment.Remove("ASPNETCORE_ENVIRONMENT");
        start.Environment.Remove("DOTNET_ENVIRONMENT");
        start.Environment.Remove("ASPNETCORE_URLS");
        if (temporaryFiles is not null)
        {
            start.Environment["TMPDIR"] = temporaryFiles;
        }

        if (trusted is not null)
        {
            start.Environment["SSL_CERT_FILE"] = trusted;
        }

        // Too short-lived for what the runtime learns about it to pay.
        start.Environment["DOTNET_TieredPGO"] = "0";
        return Process.Start(start)!;
    }
}

/// <summary>What a command left behind.</summary>
internal sealed record Ended(int ExitCode, string Output, string Errors);
