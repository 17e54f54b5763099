using System.Net.Sockets;
using MailKit;
using MailKit.Net.Smtp;
using MailKit.Security;
using Microsoft.Extensions.Options;
using MimeKit;
using ReSciCredentials.Access;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Announcements;

/// <summary>Sends announcements as plain-text e-mails by the installation's mail server.</summary>
internal sealed class MailSender(
    IOptions<AnnouncementsOptions> options, IOptions<ServerOptions> server, SecretFile files, TimeProvider time) : IAnnouncementSender
{
    private static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(30);

    public AnnouncementChannel Channel => AnnouncementChannel.Mail;

    public async Task<DeliveryResult> SendAsync(Announcement announcement, CancellationToken cancellationToken)
    {
        var mail = options.Value.Mail;
        using var deadline = new CancellationTokenSource(TimeLimit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            using var message = Write(announcement, mail);
            using var client = new SmtpClient();
            await client.ConnectAsync(mail.Host, mail.Port, SecurityOf(mail), either.Token);
            if (mail.User.Length > 0)
            {
                var password = files.Read($"{MailOptions.Section}:{nameof(mail.PasswordFile)}", mail.PasswordFile);
                await client.AuthenticateAsync(mail.User, password, either.Token);
            }

            await client.SendAsync(message, either.Token);
            // It is accepted: what goes wrong with the farewell must not send it twice.
            await client.DisconnectAsync(quit: true, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return new DeliveryResult(DeliveryOutcome.Delivered, "accepted");
        }
        catch (StartRefusedException exception)
        {
            return new DeliveryResult(DeliveryOutcome.Failed, exception.Message);
        }
        catch (SmtpCommandException exception)
        {
            // What the server says may repeat what it was sent.
            return new DeliveryResult(DeliveryOutcome.Failed, $"{exception.ErrorCode}, status {(int)exception.StatusCode}");
        }
        catch (Exception exception) when (exception is ProtocolException or AuthenticationException or SslHandshakeException
            or ServiceNotConnectedException or NotSupportedException or SocketException or IOException)
        {
            return new DeliveryResult(DeliveryOutcome.Failed, exception.GetType().Name);
        }
        catch (OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return new DeliveryResult(DeliveryOutcome.Failed, "no answer in time");
        }
    }

    private static SecureSocketOptions SecurityOf(MailOptions mail) => mail.Security switch
    {
        MailSecurity.StartTls => SecureSocketOptions.StartTls,
        MailSecurity.Tls => SecureSocketOptions.SslOnConnect,
        MailSecurity.None => SecureSocketOptions.None,
    };

    private MimeMessage Write(Announcement announcement, MailOptions mail)
    {
        var from = MailboxAddress.Parse(mail.From);
        var message = new MimeMessage
        {
            // The same at every attempt: a mail server, and a reader's program, can tell the second copy.
            MessageId = $"{announcement.Uid:N}@{from.Domain}",
            Subject = AnnouncementWords.TitleOf(announcement),
            Date = announcement.At,
        };
        message.From.Add(from);
        message.To.AddRange(mail.To.Select(MailboxAddress.Parse));
        // Nobody wants an answer from somebody who is away: RFC 3834.
        message.Headers.Add("Auto-Submitted", "auto-generated");

        var link = server.Value.Origin is { } origin ? $"{Environment.NewLine}{Environment.NewLine}{AnnouncementWords.AddressOf(announcement, origin)}" : "";
        message.Body = new TextPart("plain")
        {
            Text = $"{announcement.Detail}{Environment.NewLine}{Environment.NewLine}Credential: {announcement.CredentialName}{Environment.NewLine}Owner: {announcement.OwnerName}{link}{Environment.NewLine}",
        };
        return message;
    }
}
