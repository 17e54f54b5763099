using Microsoft.Extensions.Options;

namespace ReSciCredentials.Operations;

/// <summary>
/// Holds some loggers above the level where they write what people type, whatever the configuration says: SignalR logs every frame at Trace,
/// Kestrel every header, Data Protection's key manager whole key elements.
/// </summary>
internal sealed class LogFloors : IPostConfigureOptions<LoggerFilterOptions>
{
    private static readonly (string Category, LogLevel Floor)[] Floors =
    [
        ("Microsoft.AspNetCore.SignalR", LogLevel.Information),
        ("Microsoft.AspNetCore.Http.Connections", LogLevel.Information),
        ("Microsoft.AspNetCore.Components.Server", LogLevel.Information),
        ("Microsoft.AspNetCore.Server.Kestrel", LogLevel.Information),
        ("Microsoft.AspNetCore.DataProtection", LogLevel.Information),
        // Says "No XML encryptor configured", which is untrue here: whole elements are sealed by the repository.
        ("Microsoft.AspNetCore.DataProtection.KeyManagement.XmlKeyManager", LogLevel.Error),
        // Request lines with their query strings.
        ("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.Warning),
        // A start that failed, with its stack: the console is told in plain words. Of a background service that failed, the critical entry says all.
        ("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical),
        // Values of parameters, at Debug.
        ("Microsoft.EntityFrameworkCore", LogLevel.Information),
        // Addresses with their queries, and exceptions that repeat what they could not parse. The broker tells itself what came of a call.
        ("Yarp.ReverseProxy", LogLevel.Critical),
        ("Microsoft.AspNetCore.Http.RequestDelegateGenerator", LogLevel.Information),
        ("Microsoft.AspNetCore.Http.RequestDelegateFactory", LogLevel.Information),
    ];

    public void PostConfigure(string? name, LoggerFilterOptions options)
    {
        // A rule that names a provider wins over one that does not, so every provider that has rules gets the floors.
        var providers = options.Rules.Select(rule => rule.ProviderName).Append(null).Distinct(StringComparer.Ordinal).ToArray();
        var rules = options.Rules.ToList();
        foreach (var (category, floor) in Floors)
        {
            for (var index = 0; index < options.Rules.Count; index++)
            {
                var rule = options.Rules[index];
                if (rule.CategoryName?.StartsWith(category, StringComparison.OrdinalIgnoreCase) == true)
                {
                    options.Rules[index] = new LoggerFilterRule(rule.ProviderName, rule.CategoryName, AtLeast(floor, rule.LogLevel), rule.Filter);
                }
            }

            foreach (var provider in providers)
            {
                var parent = rules
                    .Where(rule => rule.ProviderName is null || rule.ProviderName == provider)
                    .Where(rule => rule.CategoryName is null || category.StartsWith(rule.CategoryName, StringComparison.OrdinalIgnoreCase))
                    .OrderBy(rule => rule.ProviderName is null ? 0 : 1)
                    .ThenBy(rule => rule.CategoryName?.Length ?? 0)
                    .LastOrDefault();
                options.Rules.Add(new LoggerFilterRule(provider, category, AtLeast(floor, parent?.LogLevel ?? options.MinLevel), parent?.Filter));
            }
        }
    }

    private static LogLevel AtLeast(LogLevel floor, LogLevel? level) => level is { } set && set > floor ? set : floor;
}
