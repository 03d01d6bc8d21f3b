using AgentLightning.Training;
using AgentLightning.Triage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace AgentLightning.Local;

/// <summary>Adds training and serving in this process.</summary>
public static class LocalEngineServices
{
    public static IServiceCollection AddLocalEngine(this IServiceCollection services)
    {
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ITrainingEngine, LocalTrainingEngine>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ITriagePolicyLoader, TextClassifierLoader>());
        return services;
    }
}
