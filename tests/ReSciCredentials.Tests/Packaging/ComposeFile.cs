using YamlDotNet.Core;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace ReSciCredentials.Tests.Packaging;

/// <summary>What Docker Compose reads of docker-compose.yml, with its aliases and merges resolved.</summary>
internal sealed class ComposeFile
{
    public Dictionary<string, ComposeService> Services { get; set; } = [];

    public Dictionary<string, object?> Volumes { get; set; } = [];

    public static ComposeFile Read()
    {
        using var text = File.OpenText(Repository.PathOf("docker-compose.yml"));
        return new DeserializerBuilder()
            .WithNamingConvention(UnderscoredNamingConvention.Instance)
            .IgnoreUnmatchedProperties()
            .Build()
            .Deserialize<ComposeFile>(new MergingParser(new Parser(text)));
    }
}

internal sealed class ComposeService
{
    public string? NetworkMode { get; set; }

    public bool ReadOnly { get; set; }

    public bool Privileged { get; set; }

    public string? User { get; set; }

    public List<string> CapDrop { get; set; } = [];

    public List<string> CapAdd { get; set; } = [];

    public List<string> SecurityOpt { get; set; } = [];

    public Dictionary<string, int> Ulimits { get; set; } = [];

    public string? StopGracePeriod { get; set; }

    public List<string> Profiles { get; set; } = [];

    public List<string> Ports { get; set; } = [];

    public List<string> Entrypoint { get; set; } = [];

    /// <summary>Null where the value comes from outside.</summary>
    public Dictionary<string, string?> Environment { get; set; } = [];

    public List<string> Volumes { get; set; } = [];

    public List<string> Tmpfs { get; set; } = [];

    public ComposeHealthCheck? Healthcheck { get; set; }
}

internal sealed class ComposeHealthCheck
{
    public List<string> Test { get; set; } = [];

    public bool Disable { get; set; }
}
