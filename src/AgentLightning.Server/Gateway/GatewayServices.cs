using AgentLightning.Experiments;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Server.Gateway;

/// <summary>Adds the gateway.</summary>
internal static class GatewayServices
{
    /// <summary>
    /// The prices of models that upstreams list, so that experiments know what candidates cost; those that were set count more.
    /// </summary>
    public static IReadOnlyDictionary<string, ModelPrice> Prices(this GatewayOptions options, IReadOnlyDictionary<string, ModelPrice> known)
    {
        var prices = new Dictionary<string, ModelPrice>(known, StringComparer.Ordinal);
        foreach (var upstream in options.Upstreams.Values.Where(upstream => upstream.InputPrice > 0 || upstream.OutputPrice > 0))
        {
            foreach (var model in upstream.Models.Where(model => !model.EndsWith('*')))
            {
                prices.TryAdd(model.Split('=')[^1].Trim(), new ModelPrice(upstream.InputPrice, upstream.OutputPrice));
            }
        }

        return prices;
    }

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
