using System.ComponentModel;
using Microsoft.Extensions.Options;
using ReSciCredentials.Access;
using ReSciCredentials.Announcements;
using ReSciCredentials.Audit;
using ReSciCredentials.Broker;
using ReSciCredentials.Credentials;
using ReSciCredentials.ReSci;
using ReSciCredentials.Safekeeping;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Operations;

/// <summary>
/// Settings that hold no value of their type, such as "soon" for a time, and settings of our own sections that do not exist. The binder throws at
/// the first of those and says nothing of these; so both are found before anything is bound, and reported by the check at start together with
/// everything else. A misspelt name must not pass in silence: it may be the one that was to make the server safer.
/// </summary>
internal sealed class UnreadableSettings
{
    public IReadOnlyList<string> Faults { get; private set; } = [];

    public static void SetAside(WebApplicationBuilder builder)
    {
        List<string> faults = [];
        PutAddressesAside(builder.Configuration, faults);
        Look(builder.Configuration, StorageOptions.Section, new StorageOptions(), faults);
        Look(builder.Configuration, SecretsOptions.Section, new SecretsOptions(), faults);
        Look(builder.Configuration, ServerOptions.Section, new ServerOptions(), faults);
        Look(builder.Configuration, ServiceKeysOptions.Section, new ServiceKeysOptions(), faults);
        Look(builder.Configuration, ReSciOptions.Section, new ReSciOptions(), faults);
        Look(builder.Configuration, AuditOptions.Section, new AuditOptions(), faults);
        Look(builder.Configuration, BrokerOptions.Section, new BrokerOptions(), faults);
        Look(builder.Configuration, CredentialsOptions.Section, new CredentialsOptions(), faults);
        Look(builder.Configuration, ChecksOptions.Section, new ChecksOptions(), faults);
        Look(builder.Configuration, AnnouncementsOptions.Section, new AnnouncementsOptions(), faults);
        Look(builder.Configuration, WebhookOptions.Section, new WebhookOptions(), faults);
        Look(builder.Configuration, MailOptions.Section, new MailOptions(), faults);
        Look(builder.Configuration, BackupsOptions.Section, new BackupsOptions(), faults);
        Look(builder.Configuration, TelemetryOptions.Section, new TelemetryOptions(), faults);

        builder.Services.AddOptions<UnreadableSettings>().Configure(unreadable => unreadable.Faults = faults).ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<UnreadableSettings>, Validation>();
    }

    private static void PutAddressesAside(ConfigurationManager configuration, List<string> faults)
    {
        foreach (var address in configuration["urls"]?.Split(';') ?? [])
        {
            if (!IsAddress(address))
            {
                faults.Add($"urls: '{address}' is not an address to listen on, such as {Addresses.Default}.");
            }
        }

        if (faults.Count > 0)
        {
            configuration["urls"] = Addresses.Default;
        }
    }

    private static void Look(ConfigurationManager configuration, string section, object defaults, List<string> faults)
    {
        // What can be set; the rest is computed from it.
        var known = defaults.GetType().GetProperties().Where(property => property.CanWrite).Select(property => property.Name).ToArray();
        faults.AddRange(
            configuration.GetSection(section).GetChildren()
                .Where(setting => !known.Contains(setting.Key, StringComparer.OrdinalIgnoreCase))
                .Select(setting => $"{section}:{setting.Key}: there is no such setting. {section} has {string.Join(", ", known.Order(StringComparer.Ordinal))}."));
        PutValuesAside(configuration, section, defaults, faults);
    }

    private static void PutValuesAside(ConfigurationManager configuration, string section, object defaults, List<string> faults)
    {
        foreach (var property in defaults.GetType().GetProperties().Where(property => property is { PropertyType.IsValueType: true, CanWrite: true }))
        {
            var key = $"{section}:{property.Name}";
            var converter = TypeDescriptor.GetConverter(property.PropertyType);
            if (configuration[key] is { } text && !converter.IsValid(text))
            {
                var usual = converter.ConvertToInvariantString(property.GetValue(defaults));
                faults.Add($"{key}: '{text}' cannot be read. Without the setting it is {usual}.");
                configuration[key] = usual;
            }
        }
    }

    private static bool IsAddress(string address)
    {
        try
        {
            _ = BindingAddress.Parse(address);
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private sealed class Validation : IValidateOptions<UnreadableSettings>
    {
        public ValidateOptionsResult Validate(string? name, UnreadableSettings options) =>
            options.Faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(options.Faults);
    }
}
