using AgentLightning.Deployments;
using AgentLightning.Engine.Backends;
using AgentLightning.Engine.Chat;
using AgentLightning.Engine.Evaluation;
using AgentLightning.Engine.Learning;
using AgentLightning.Engine.Tuned;
using AgentLightning.Evaluation;
using AgentLightning.Training;
using AgentLightning.Triage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace AgentLightning.Engine;

/// <summary>Adds training and serving in this process.</summary>
public static class EngineServices
{
    public static IServiceCollection AddEngine(this IServiceCollection services)
    {
        services.TryAddSingleton<LanguageTrainer>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ITrainingEngine, LocalTrainingEngine>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ITriagePolicyLoader, TextClassifierLoader>());
        services.TryAddSingleton(provider => new LocalModels(provider.GetRequiredService<TimeProvider>()));
        services.TryAddSingleton(provider => new ModelCatalog(
            provider.GetRequiredService<ModelOptions>(),
            Environment.GetEnvironmentVariable
        ));
        services.TryAddSingleton(new MachineMemory());
        services.TryAddSingleton<TunedModels>();
        services.TryAddSingleton<IReleaseChatClients>(provider => provider.GetRequiredService<TunedModels>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IAnswererSource, ChatAnswerers>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IScorerSource, GraderScorers>());
        services.TryAddSingleton(provider => new BackendLoader(
            new BackendLoaderOptions
            {
                CreateLocal = provider.GetRequiredService<LocalModels>().CreateChatClient,
                Clock = provider.GetRequiredService<TimeProvider>(),
            },
            provider.GetService<ILogger<BackendLoader>>() ?? NullLogger<BackendLoader>.Instance
        ));
        return services;
    }
}
