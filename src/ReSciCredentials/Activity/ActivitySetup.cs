namespace ReSciCredentials.Activity;

internal static class ActivitySetup
{
    public static IServiceCollection AddActivity(this IServiceCollection services)
    {
        services.AddSingleton<ActivityLog>();
        services.AddSingleton<ActivityExport>();
        return services;
    }
}
