using Microsoft.Extensions.Options;

namespace ReSciCredentials.Operations;

/// <summary>The section <c>Telemetry</c>: where metrics and traces are sent.</summary>
internal sealed class TelemetryOptions
{
    public const string Section = "Telemetry";
    public const string Grpc = "grpc";
    public const string HttpProtobuf = "http/protobuf";

    /// <summary>The address of an OpenTelemetry collector; empty: nothing is measured for anybody outside.</summary>
    public string Endpoint { get; set; } = "";

    /// <summary>
    /// How the collector is spoken to: <c>grpc</c>, usually on port 4317, or <c>http/protobuf</c>, usually on 4318. Names are those of
    /// https://opentelemetry.io/docs/specs/otel/protocol/exporter/.
    /// </summary>
    public string Protocol { get; set; } = Grpc;

    /// <summary>Of a hundred requests, how many are traced; 0 to 100.</summary>
    public int TracedPercent { get; set; } = 100;

    /// <summary>How often metrics are sent; 1 second to 1 hour.</summary>
    public TimeSpan MetricsEvery { get; set; } = TimeSpan.FromMinutes(1);

    public bool IsOn => Endpoint.Length > 0;

    internal sealed class Validation : IValidateOptions<TelemetryOptions>
    {
        public ValidateOptionsResult Validate(string? name, TelemetryOptions options) =>
            Faults(options).ToArray() is { Length: > 0 } faults ? ValidateOptionsResult.Fail(faults) : ValidateOptionsResult.Success;

        public static IEnumerable<string> Faults(TelemetryOptions options)
        {
            if (options.IsOn && !(Uri.TryCreate(options.Endpoint, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"))
            {
                yield return $"{Section}:{nameof(Endpoint)}: '{options.Endpoint}' is not the address of a collector, such as http://collector:4317.";
            }

            if (options.Protocol is not (Grpc or HttpProtobuf))
            {
                yield return $"{Section}:{nameof(Protocol)} must be {Grpc} or {HttpProtobuf}: '{options.Protocol}'.";
            }

            if (options.TracedPercent is < 0 or > 100)
            {
                yield return $"{Section}:{nameof(TracedPercent)} must be from 0 to 100: {options.TracedPercent}.";
            }

            if (options.MetricsEvery < TimeSpan.FromSeconds(1) || options.MetricsEvery > TimeSpan.FromHours(1))
            {
                yield return $"{Section}:{nameof(MetricsEvery)} must be from 1 second to 1 hour: {options.MetricsEvery}.";
            }
        }
    }
}
