using AgentLightning.Datasets;
using AgentLightning.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Training;

/// <summary>Adds training runs: what starts and shows them, and what executes them.</summary>
internal static class TrainingServices
{
    public static void AddTraining(this IServiceCollection services, TrainingOptions options)
    {
        services.TryAddSingleton(options);
        services.TryAddSingleton<StartTraining>();
        services.TryAddSingleton<GetTrainingRun>();
        services.TryAddSingleton<ListTrainingRuns>();
        services.TryAddSingleton<CancelTraining>();
        services.TryAddSingleton<GetTrainingLog>();
        services.TryAddSingleton<TrainingExecutor>();
        services.TryAddSingleton(provider => new TrainingRunner(
            provider.GetRequiredService<ITrainingRunStore>(),
            provider.GetRequiredService<IDatasetStore>(),
            provider.GetRequiredService<TrainingExecutor>(),
            provider.GetRequiredService<Leases>(),
            provider.GetRequiredService<TimeProvider>()
        ));
        services.TryAddSingleton(provider => new ExecuteTraining(
            provider.GetRequiredService<ITrainingRunStore>(),
            provider.GetRequiredService<TrainingExecutor>(),
            provider.GetRequiredService<Leases>(),
            provider.GetRequiredService<TimeProvider>()
        ));
        services.TryAddSingleton(provider => new TrainingWorker(
            provider.GetRequiredService<ITrainingRunStore>(),
            provider.GetRequiredService<TrainingExecutor>(),
            provider.GetRequiredService<Leases>(),
            provider.GetRequiredService<IChangeNotices>(),
            provider.GetRequiredService<TrainingOptions>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<TrainingWorker>>()
        ));
    }
}
