using Microsoft.Extensions.Options;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using ReSciCredentials.Broker;

namespace ReSciCredentials.Operations;

internal static class TelemetrySetup
{
    private static readonly string[] Meters =
    [
        ServerMetrics.MeterName,
        BrokerMetrics.MeterName,
        "Microsoft.AspNetCore.Hosting",
        "Microsoft.AspNetCore.Server.Kestrel",
        "Microsoft.AspNetCore.Http.Connections",
        "Microsoft.AspNetCore.Components.Server.Circuits",
        "System.Net.Http",
        "System.Runtime",
    ];

    /// <summary>Metrics and traces by OTLP, to where the settings say; without an address nothing of it runs.</summary>
    public static IServiceCollection AddTelemetry(this IServiceCollection services, IConfiguration configuration)
    {
        var section = configuration.GetSection(TelemetryOptions.Section);
        services.AddOptions<TelemetryOptions>().Bind(section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<TelemetryOptions>, TelemetryOptions.Validation>();

        var options = section.Get<TelemetryOptions>() ?? new TelemetryOptions();
        if (!options.IsOn || TelemetryOptions.Validation.Faults(options).Any())
        {
            // What is wrong with them is told with the faults of all other settings.
            return services;
        }

        services.AddHostedService<ServerMetrics>();
        services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(
                "resci-credentials", serviceVersion: typeof(Program).Assembly.GetName().Version?.ToString(3)))
            .WithMetrics(metrics => metrics
                .AddMeter(Meters)
                .AddOtlpExporter((exporter, reader) =>
                {
                    Point(exporter, options, "v1/metrics");
                    reader.PeriodicExportingMetricReaderOptions.ExportIntervalMilliseconds = (int)options.MetricsEvery.TotalMilliseconds;
                }))
            .WithTracing(traces => traces
                .SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(options.TracedPercent / 100.0)))
                // Of a circuit there is one request that lasts for hours.
                .AddAspNetCoreInstrumentation(incoming => incoming.Filter = context =>
                    !context.Request.Path.StartsWithSegments("/health") && !context.Request.Path.StartsWithSegments("/_blazor"))
                .AddHttpClientInstrumentation()
                .AddProcessor<TracesWithoutPeople>()
                .AddOtlpExporter(exporter => Point(exporter, options, "v1/traces")));
        return services;
    }

    private static void Point(OtlpExporterOptions exporter, TelemetryOptions options, string path)
    {
        var isGrpc = options.Protocol == TelemetryOptions.Grpc;
        exporter.Protocol = isGrpc ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf;
        var address = options.Endpoint.EndsWith('/') ? options.Endpoint : options.Endpoint + '/';
        exporter.Endpoint = isGrpc ? new Uri(address) : new Uri(new Uri(address), path);
    }
}
