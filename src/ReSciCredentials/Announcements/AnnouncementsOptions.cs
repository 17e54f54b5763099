using Microsoft.Extensions.Options;
using MimeKit;
using ReSciCredentials.Access;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Announcements;

/// <summary>Whom to tell, beyond the screens, of a credential that needs attention: the section <c>Announcements</c> of the configuration.</summary>
internal sealed class AnnouncementsOptions
{
    public const string Section = "Announcements";

    /// <summary>So many days before its day an expiry or a review is near; 1 to 90.</summary>
    public int DaysBefore { get; set; } = 14;

    public WebhookOptions Webhook { get; init; } = new();

    public MailOptions Mail { get; init; } = new();

    /// <summary>The channels that are set up.</summary>
    public IEnumerable<AnnouncementChannel> Channels =>
    [
        .. Webhook.Address.Length > 0 ? [AnnouncementChannel.Webhook] : Array.Empty<AnnouncementChannel>(),
        .. Mail.Host.Length > 0 ? [AnnouncementChannel.Mail] : Array.Empty<AnnouncementChannel>(),
    ];

    /// <summary>The last day that is near, seen from <paramref name="now"/>. Days are those of UTC, the same for everybody.</summary>
    public DateOnly NearUntil(DateTimeOffset now) => DateOnly.FromDateTime(now.UtcDateTime).AddDays(DaysBefore);
}

/// <summary>Where a signed message is posted to. Off while <see cref="Address"/> is empty.</summary>
internal sealed class WebhookOptions
{
    public const string Section = $"{AnnouncementsOptions.Section}:Webhook";

    /// <summary>https, e.g. <c>https://hooks.example.com/resci</c>. What is secret in it, such as a token in its path, is never logged.</summary>
    public string Address { get; set; } = "";

    /// <summary>The file with the secret that signs: <c>whsec_</c> and 24 to 64 bytes in base64.</summary>
    public string SecretFile { get; set; } = "";

    /// <summary>Allows http to 127.0.0.1, localhost and [::1].</summary>
    public bool AllowInsecureLoopback { get; set; }
}

/// <summary>How the connection to the mail server is protected.</summary>
internal enum MailSecurity
{
    /// <summary>Encrypted after a greeting in clear, or not at all used: the usual one on port 587.</summary>
    StartTls,

    /// <summary>Encrypted from the first byte: the usual one on port 465.</summary>
    Tls,

    /// <summary>In clear; only to a server on this machine.</summary>
    None,
}

/// <summary>The mail server that passes messages on. Off while <see cref="Host"/> is empty.</summary>
internal sealed class MailOptions
{
    public const string Section = $"{AnnouncementsOptions.Section}:Mail";

    public string Host { get; set; } = "";

    public int Port { get; set; } = 587;

    public MailSecurity Security { get; set; } = MailSecurity.StartTls;

    public string From { get; set; } = "";

    /// <summary>Everybody who is told.</summary>
    public IList<string> To { get; init; } = [];

    /// <summary>Empty: without signing in.</summary>
    public string User { get; set; } = "";

    public string PasswordFile { get; set; } = "";
}

/// <summary>Stops the start when nobody could be told. Lists all failures, each naming the setting to change.</summary>
internal sealed class AnnouncementsOptionsRules(SecretFile files) : IValidateOptions<AnnouncementsOptions>
{
    private const int LeastDays = 1;
    private const int MostDays = 90;
    private const int HighestPort = 65535;

    public ValidateOptionsResult Validate(string? name, AnnouncementsOptions options)
    {
        List<string> failures =
        [
            .. options.DaysBefore is < LeastDays or > MostDays
                ? [$"{AnnouncementsOptions.Section}:{nameof(options.DaysBefore)}: must be from {LeastDays} to {MostDays}."]
                : Array.Empty<string>(),
            .. options.Webhook.Address.Length > 0 ? FaultsOf(options.Webhook) : [],
            .. options.Mail.Host.Length > 0 ? FaultsOf(options.Mail) : [],
        ];
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    private IEnumerable<string> FaultsOf(WebhookOptions webhook)
    {
        // The value is not repeated: many such addresses are secrets themselves.
        if (!Uri.TryCreate(webhook.Address, UriKind.Absolute, out var address)
            || address.UserInfo.Length > 0
            || (address.Scheme != Uri.UriSchemeHttps && !(address.Scheme == Uri.UriSchemeHttp && Loopback.IsName(address.Host))))
        {
            yield return $"{WebhookOptions.Section}:{nameof(webhook.Address)}: must be an https address without a user name, such as https://hooks.example.com/resci.";
        }
        else if (address.Scheme == Uri.UriSchemeHttp && !webhook.AllowInsecureLoopback)
        {
            yield return $"{WebhookOptions.Section}:{nameof(webhook.Address)}: must be https. "
                + $"For a receiver on this machine set {WebhookOptions.Section}:{nameof(webhook.AllowInsecureLoopback)} to true.";
        }

        if (FaultOf($"{WebhookOptions.Section}:{nameof(webhook.SecretFile)}", webhook.SecretFile, text => WebhookSignature.FaultOf(text)) is { } fault)
        {
            yield return fault;
        }
    }

    private IEnumerable<string> FaultsOf(MailOptions mail)
    {
        if (Uri.CheckHostName(mail.Host) is UriHostNameType.Unknown or UriHostNameType.Basic)
        {
            yield return $"{MailOptions.Section}:{nameof(mail.Host)}: '{mail.Host}' is not a host name. Give a name only, such as smtp.example.com.";
        }

        if (mail.Port is < 1 or > HighestPort)
        {
            yield return $"{MailOptions.Section}:{nameof(mail.Port)}: must be from 1 to {HighestPort}.";
        }

        if (mail.Security is MailSecurity.None && !Loopback.IsName(mail.Host))
        {
            yield return $"{MailOptions.Section}:{nameof(mail.Security)}: only a mail server on this machine may be spoken to in clear. Use StartTls or Tls.";
        }

        if (!MailboxAddress.TryParse(mail.From, out _))
        {
            yield return $"{MailOptions.Section}:{nameof(mail.From)}: must be an e-mail address, such as resci@example.com.";
        }

        if (mail.To.Count == 0)
        {
            yield return $"{MailOptions.Section}:{nameof(mail.To)}: name at least one e-mail address ({MailOptions.Section}:{nameof(mail.To)}:0).";
        }

        foreach (var to in mail.To.Where(to => !MailboxAddress.TryParse(to, out _)))
        {
            yield return $"{MailOptions.Section}:{nameof(mail.To)}: '{to}' is not an e-mail address.";
        }

        if (mail.User.Length > 0 && FaultOf($"{MailOptions.Section}:{nameof(mail.PasswordFile)}", mail.PasswordFile, _ => null) is { } fault)
        {
            yield return fault;
        }
    }

    private string? FaultOf(string setting, string path, Func<string, string?> faultOfText)
    {
        if (path.Length == 0)
        {
            return $"{setting}: name a file that holds the secret.";
        }

        try
        {
            return faultOfText(files.Read(setting, path)) is { } fault ? $"{setting}: {fault}" : null;
        }
        catch (StartRefusedException exception)
        {
            return exception.Message;
        }
    }
}
