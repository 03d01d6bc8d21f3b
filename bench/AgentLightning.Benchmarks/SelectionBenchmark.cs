using System.Diagnostics;
using AgentLightning.Access;
using AgentLightning.Datasets;
using AgentLightning.Deployments;
using AgentLightning.Experiments;
using AgentLightning.Storage;
using AgentLightning.Training;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Benchmarks;

/// <summary>How long it takes to tell which release answers a request, while an experiment splits sessions: every request asks.</summary>
internal static class SelectionBenchmark
{
    private const string Agent = "bench";
    private const int Sessions = 1_000;
    private const int Rounds = 300;
    private static readonly Scope s_scope = Scope.Owner("bench");

    public static Task<IReadOnlyList<Figure>> RunAsync() => EachStore.RunAsync(async (engine, store) => await RunAsync(engine, store));

    private static async Task<IReadOnlyList<Figure>> RunAsync(string engine, string store)
    {
        await using var services = new ServiceCollection()
            .AddLogging()
            .AddLightningServices(new LightningOptions { Store = store })
            .BuildServiceProvider();
        await services.OpenLightningAsync(create: true, CancellationToken.None);
        await StartExperimentAsync(services);
        var selection = services.GetRequiredService<IReleaseSelection>();
        string[] sessions = [.. Enumerable.Range(0, Sessions).Select(_ => Guid.NewGuid().ToString())];
        for (var i = 0; i < Sessions; i++)
        {
            await selection.SelectAsync(Agent, sessions[i], CancellationToken.None);
        }

        Ask(selection, sessions, 50);
        var (before, start) = (GC.GetAllocatedBytesForCurrentThread(), Stopwatch.GetTimestamp());
        var candidates = Ask(selection, sessions, Rounds);
        var microseconds = Stopwatch.GetElapsedTime(start).TotalMicroseconds / (Rounds * Sessions);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        return candidates > 0 && allocated == 0
            ?
            [
                Figure.AtMost(
                    "select",
                    $"release and variant of a request in an experiment, on {engine}, no byte allocated",
                    microseconds,
                    "µs",
                    5
                ),
            ]
            : throw new InvalidOperationException($"{candidates} answers of the candidate, {allocated} bytes allocated.");
    }

    private static int Ask(IReleaseSelection selection, string[] sessions, int rounds)
    {
        var candidates = 0;
        for (var round = 0; round < rounds; round++)
        {
            foreach (var session in sessions)
            {
                var asked = selection.SelectAsync(Agent, session, CancellationToken.None);
                candidates += asked.IsCompletedSuccessfully && asked.Result.Variant == "candidate" ? 1 : 0;
            }
        }

        return candidates;
    }

    private static async Task StartExperimentAsync(ServiceProvider services)
    {
        var now = DateTimeOffset.UnixEpoch.AddDays(20_000);
        await services
            .GetRequiredService<PromoteBase>()
            .ExecuteAsync(s_scope, new PromoteBaseRequest(Agent, "old"), CancellationToken.None);
        var artifact = await services
            .GetRequiredService<IArtifactStore>()
            .PutAsync(stream => stream.WriteAsync("model"u8.ToArray()).AsTask(), CancellationToken.None);
        await services
            .GetRequiredService<IDatasetStore>()
            .AddAsync(new Dataset("data", Agent, "data", 0, "all", null, 1, 1, 1, 2, artifact, now), CancellationToken.None);
        var runs = services.GetRequiredService<ITrainingRunStore>();
        var run = new TrainingRun(
            "run",
            Agent,
            "data",
            "local",
            TrainingMethod.Supervised,
            "base",
            null,
            null,
            TrainingStatus.Pending,
            new Dictionary<string, string>(),
            null,
            null,
            now,
            null,
            null
        );
        await runs.AddAsync(run, CancellationToken.None);
        await runs.TryMoveAsync(run with { Status = TrainingStatus.Running }, CancellationToken.None);
        await runs.TryMoveAsync(
            run with
            {
                Status = TrainingStatus.Succeeded,
                TunedModelName = "new",
                Artifact = artifact,
            },
            CancellationToken.None
        );
        await services
            .GetRequiredService<StartExperiment>()
            .ExecuteAsync(s_scope, new StartExperimentRequest(Agent, ["run"], new ExperimentRules(), Force: true), CancellationToken.None);
    }
}
