using System.Globalization;
using System.Net;
using System.Net.Mime;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;
using ReSciCredentials.Access;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Announcements;

/// <summary>Posts announcements as signed JSON. Of the answer only the status counts; nothing is followed, read or kept of it.</summary>
internal sealed class WebhookSender(
    HttpClient http, IOptions<AnnouncementsOptions> options, IOptions<ServerOptions> server, SecretFile files, TimeProvider time) : IAnnouncementSender
{
    /// <summary>How long the receiver may take; many do their work before they answer.</summary>
    public static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(15);

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    public AnnouncementChannel Channel => AnnouncementChannel.Webhook;

    public async Task<DeliveryResult> SendAsync(Announcement announcement, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(TimeLimit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            using var request = Sign(announcement);
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            return new DeliveryResult(OutcomeOf(response.StatusCode), string.Create(CultureInfo.InvariantCulture, $"HTTP {(int)response.StatusCode}"));
        }
        catch (HttpRequestException exception)
        {
            // Its text would name the address, which may be a secret itself.
            return new DeliveryResult(DeliveryOutcome.Failed, exception.HttpRequestError.ToString());
        }
        catch (StartRefusedException exception)
        {
            return new DeliveryResult(DeliveryOutcome.Failed, exception.Message);
        }
        catch (FormatException exception)
        {
            return new DeliveryResult(DeliveryOutcome.Failed, exception.Message);
        }
        catch (OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return new DeliveryResult(DeliveryOutcome.Failed, "no answer in time");
        }
    }

    private static DeliveryOutcome OutcomeOf(HttpStatusCode status) => (int)status switch
    {
        >= 200 and < 300 => DeliveryOutcome.Delivered,
        410 => DeliveryOutcome.Unwanted,
        _ => DeliveryOutcome.Failed,
    };

    private HttpRequestMessage Sign(Announcement announcement)
    {
        var webhook = options.Value.Webhook;
        var body = JsonSerializer.SerializeToUtf8Bytes(Message.Of(announcement, server.Value.Origin), Json);
        var id = $"msg_{announcement.Uid:N}";
        var timestamp = time.GetUtcNow().ToUnixTimeSeconds();
        var secret = files.Read($"{WebhookOptions.Section}:{nameof(webhook.SecretFile)}", webhook.SecretFile);
        var signature = WebhookSignature.Of(secret, id, timestamp, body);

        var request = new HttpRequestMessage(HttpMethod.Post, webhook.Address) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new(MediaTypeNames.Application.Json);
        request.Headers.Add("User-Agent", "ReSciCredentials");
        request.Headers.Add("webhook-id", id);
        request.Headers.Add("webhook-timestamp", timestamp.ToString(CultureInfo.InvariantCulture));
        request.Headers.Add("webhook-signature", signature);
        return request;
    }

    /// <summary>What the receiver reads; README tells it. There is no place for a key in it.</summary>
    private sealed record Message(string Type, DateTimeOffset Timestamp, MessageData Data)
    {
        public static Message Of(Announcement announcement, Uri? origin) => new(
            AnnouncementWords.EventOf(announcement.Kind),
            announcement.At,
            new MessageData(
                new MessageCredential(
                    announcement.CredentialId,
                    announcement.CredentialName,
                    announcement.OwnerName,
                    origin is null ? null : AnnouncementWords.AddressOf(announcement, origin)),
                AnnouncementWords.TitleOf(announcement),
                announcement.Detail,
                announcement.Day));
    }

    private sealed record MessageData(MessageCredential Credential, string Title, string Detail, DateOnly? Day);

    private sealed record MessageCredential(int Id, string Name, string Owner, Uri? Url);
}
