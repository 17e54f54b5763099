namespace ReSciCredentials.Tests.Packaging;

/// <summary>Files of the repository that no build carries along.</summary>
internal static class Repository
{
    public static string PathOf(string relative)
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "ReSciCredentials.sln")))
        {
            directory = directory.Parent ?? throw new DirectoryNotFoundException($"No repository above {AppContext.BaseDirectory}");
        }

        return Path.Combine(directory.FullName, relative);
    }
}
