using Microsoft.Extensions.Hosting.Internal;
using ReSciCredentials.Announcements;
using ReSciCredentials.Secrets;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Announcing;

public sealed class SettingAnnouncementsUp : IDisposable
{
    private readonly TestDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Needs_no_setting_to_tell_nobody() => Assert.Empty(FaultsOf(new AnnouncementsOptions()));

    [Theory]
    [InlineData("https://hooks.example.com/resci?team=1", false, true)]
    [InlineData("http://127.0.0.1:9000/hook", true, true)]
    [InlineData("http://127.0.0.1:9000/hook", false, false)]
    [InlineData("http://hooks.example.com/resci", true, false)]
    [InlineData("https://someone:password@hooks.example.com/", false, false)]
    [InlineData("hooks.example.com", false, false)]
    public void Posts_to_https_or_when_allowed_to_this_machine(string address, bool loopback, bool fine)
    {
        var faults = FaultsOf(new AnnouncementsOptions
        {
            Webhook = { Address = address, AllowInsecureLoopback = loopback, SecretFile = SecretFile(WebhookReceiver.Secret) },
        });

        Assert.Equal(fine, faults.Count == 0);
        Assert.DoesNotContain(faults, fault => fault.Contains("password", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("whsec_c2hvcnQ=")]
    [InlineData("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")]
    [InlineData("whsec_not base64")]
    [InlineData("")]
    public void Refuses_a_secret_that_cannot_sign_without_repeating_it(string secret)
    {
        var fault = Assert.Single(FaultsOf(new AnnouncementsOptions
        {
            Webhook = { Address = "https://hooks.example.com", SecretFile = SecretFile(secret) },
        }));

        Assert.StartsWith("Announcements:Webhook:SecretFile:", fault, StringComparison.Ordinal);
        Assert.True(secret.Length == 0 || !fault.Contains(secret, StringComparison.Ordinal));
    }

    [Fact]
    public void Refuses_a_secret_that_others_can_read()
    {
        var file = SecretFile(WebhookReceiver.Secret);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.GroupRead);

        Assert.Contains(
            "chmod 600",
            Assert.Single(FaultsOf(new AnnouncementsOptions { Webhook = { Address = "https://hooks.example.com", SecretFile = file } })),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Names_every_fault_of_the_mail_by_its_setting()
    {
        var faults = FaultsOf(new AnnouncementsOptions
        {
            DaysBefore = 0,
            Mail = { Host = "smtp.example.com", Port = 0, Security = MailSecurity.None, From = "@", User = "me" },
        });

        Assert.Equal(
            ["DaysBefore", "Mail:Port", "Mail:Security", "Mail:From", "Mail:To", "Mail:PasswordFile"],
            faults.Select(fault => fault.Split(": ")[0]["Announcements:".Length..]));
    }

    private IReadOnlyList<string> FaultsOf(AnnouncementsOptions options) =>
        [.. new AnnouncementsOptionsRules(new SecretFile(new HostingEnvironment { ContentRootPath = _directory.Path })).Validate(null, options).Failures ?? []];

    private string SecretFile(string text)
    {
        var file = Path.Combine(_directory.Path, "secret");
        File.WriteAllText(file, text);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return file;
    }
}
