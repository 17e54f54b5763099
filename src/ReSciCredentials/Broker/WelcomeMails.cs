using System.Text.Json;
using Microsoft.Net.Http.Headers;

namespace ReSciCredentials.Broker;

/// <summary>
/// Looks into the write of a user with a token that must not let ReSci send welcome mails. ReSci sends one to every new user unless <see cref="Field"/> is false; that the body is a JSON
/// object, or an array of them, with the field in each, and how the field is spelled, is assumed. What could be read otherwise is refused.
/// </summary>
internal static class WelcomeMails
{
    public const string Field = "send_transactional_welcome";

    /// <summary>In bytes: it has to be held as a whole, and is a few users.</summary>
    public const int LongestBody = 1024 * 1024;

    private const string FieldLetters = "sendtransactionalwelcome";

    /// <summary>The whole body, which lets no mail be sent.</summary>
    /// <exception cref="UploadRefusedException"/>
    public static async Task<MemoryStream> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (request.Headers.ContentEncoding.Count > 0 || !IsJson(request.Headers))
        {
            throw Unsupported();
        }

        var body = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (await request.Body.ReadAsync(buffer, cancellationToken) is var read and > 0)
        {
            body.Write(buffer, 0, read);
            if (body.Length > LongestBody)
            {
                throw Unsupported();
            }
        }

        if (ErrorIn(body.GetBuffer().AsSpan(0, (int)body.Length)) is { } error)
        {
            throw new UploadRefusedException(error);
        }

        body.Position = 0;
        return body;
    }

    /// <summary>Null when no user in it can get a mail.</summary>
    public static BrokerError? ErrorIn(ReadOnlySpan<byte> body)
    {
        try
        {
            var reader = new Utf8JsonReader(body);
            if (!reader.Read() || reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray))
            {
                return BrokerError.UsersUnsupported;
            }

            return Walk(ref reader, userDepth: reader.TokenType is JsonTokenType.StartArray ? 1 : 0);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: text that is not UTF-8.
            return BrokerError.UsersUnsupported;
        }
    }

    /// <param name="userDepth">How deep the objects lie that are users.</param>
    private static BrokerError? Walk(ref Utf8JsonReader reader, int userDepth)
    {
        var said = false;
        do
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.StartObject when reader.CurrentDepth == userDepth:
                    said = false;
                    break;
                case JsonTokenType.EndObject when reader.CurrentDepth == userDepth && !said:
                    return BrokerError.WelcomeMailNotAllowed;
                case JsonTokenType.PropertyName when IsReadAsField(reader.GetString()!, out var exactly):
                    // Of two, parsers take the first or the last; and some frameworks take other spellings for the same.
                    if (!exactly || (said && reader.CurrentDepth == userDepth + 1))
                    {
                        return BrokerError.UsersUnsupported;
                    }

                    said |= reader.CurrentDepth == userDepth + 1;
                    if (!reader.Read() || reader.TokenType is not JsonTokenType.False)
                    {
                        return BrokerError.WelcomeMailNotAllowed;
                    }

                    break;
                case not (JsonTokenType.StartObject or JsonTokenType.StartArray or JsonTokenType.EndArray) when userDepth == 1 && reader.CurrentDepth == 1:
                    if (reader.TokenType is not JsonTokenType.EndObject)
                    {
                        // An array of something else than users.
                        return BrokerError.UsersUnsupported;
                    }

                    break;
            }
        }
        while (reader.Read());

        return null;
    }

    private static bool IsReadAsField(string name, out bool exactly)
    {
        exactly = name == Field;
        return exactly || string.Concat(name.Where(char.IsAsciiLetter)).StartsWith(FieldLetters, StringComparison.OrdinalIgnoreCase);
    }

    private static bool IsJson(IHeaderDictionary headers) =>
        headers.ContentType is [{ } text]
        && MediaTypeHeaderValue.TryParse(text, out var type)
        && type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
        && type.Parameters.All(parameter =>
            parameter.Name.Equals("charset", StringComparison.OrdinalIgnoreCase) && HeaderUtilities.RemoveQuotes(parameter.Value).Equals("utf-8", StringComparison.OrdinalIgnoreCase));

    private static UploadRefusedException Unsupported() => new(BrokerError.UsersUnsupported);
}
