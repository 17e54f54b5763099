using ReSciCredentials.Storage;

namespace ReSciCredentials.Flows;

internal static class FlowSetup
{
    public static IServiceCollection AddFlows(this IServiceCollection services) => services
        .AddTransient<FlowService>()
        .AddTransient<FlowAnswers>();

    public static void MapFlows(this IEndpointRouteBuilder routes) =>
        // The guide speaks of the Authenticate screen; without a word more it is the source's.
        routes.MapGet("/authenticate", () => TypedResults.LocalRedirect(FlowPaths.Authenticate(FlowKind.Source)));
}
