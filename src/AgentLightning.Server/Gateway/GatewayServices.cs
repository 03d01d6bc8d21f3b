using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Server.Gateway;

/// <summary>Adds the gateway.</summary>
internal static class GatewayServices
{
    public static void AddGateway(this IServiceCollection services, GatewayOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<UpstreamTable>();
        services.AddSingleton<CaptureRoom>();
        services.AddSingleton<GatewayMetrics>();
        services.AddSingleton<ReleaseModels>();
        services.AddSingleton<ModelRouter>();
        services.AddSingleton<AttemptOpener>();
        services.AddSingleton(provider =>
            ActivatorUtilities.CreateInstance<UpstreamCalls>(provider, provider.GetService<Random>() ?? Random.Shared)
        );
        services.AddSingleton<SpendGuard>();
        services.AddHostedService(provider => provider.GetRequiredService<SpendGuard>());
        services.AddSingleton<ForwardModelCall>();
        services.AddSingleton<ListModels>();
    }
}
