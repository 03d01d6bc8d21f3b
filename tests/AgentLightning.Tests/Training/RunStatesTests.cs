using AgentLightning.Datasets;
using AgentLightning.Storage;
using AgentLightning.Tests.Storage;
using AgentLightning.Training;
using CsCheck;

namespace AgentLightning.Tests.Training;

/// <summary>Whatever two workers and somebody who cancels do to a run, in whatever order, it moves along its state machine.</summary>
public sealed class RunStatesTests
{
    private static readonly DateTimeOffset s_noon = new(2026, 3, 4, 12, 0, 0, TimeSpan.Zero);

    private static readonly Gen<Act[]> s_acts = Gen.Enum<Act>().Array[1, 14];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private enum Act
    {
        FirstBegins,
        FirstSaves,
        FirstSucceeds,
        FirstFails,
        SecondTakesTheLease,
        SecondBegins,
        SecondSaves,
        SecondSucceeds,
        SomebodyCancels,
    }

    [Fact]
    public async Task A_run_moves_along_its_states_and_only_by_who_holds_its_lease()
    {
        await using var product = await Product.OpenAsync();
        var dataset = await product
            .Get<IDatasetStore>()
            .AddAsync(new Dataset("data", "shop", "data", 0, "all", null, 1, 1, 1, 2, "sha256:" + new string('0', 64), s_noon), Token);
        var number = 0;

        await s_acts.SampleAsync(
            acts => TryAsync(product, dataset.Id, $"run-{Interlocked.Increment(ref number)}", acts),
            iter: 60,
            threads: 1
        );
    }

    private static async Task TryAsync(Product product, string dataset, string id, Act[] acts)
    {
        var store = product.Get<ITrainingRunStore>();
        var (clock, name) = (new FakeTimeProvider(s_noon), $"lease of {id}");
        var leases = new SqlLeaseStore(product.Get<SqlDatabase>(), clock);
        var run = new TrainingRun(
            id,
            "shop",
            dataset,
            "local",
            TrainingMethod.Sft,
            "tiny",
            null,
            null,
            TrainingStatus.Pending,
            new Dictionary<string, string>(),
            null,
            null,
            s_noon,
            null,
            null
        )
        {
            IsQueued = true,
        };
        await store.AddAsync(run, Token);
        var first = (await leases.TryAcquireAsync(name, "first", TimeSpan.FromSeconds(1), Token))!;
        Lease? second = null;
        var expected = TrainingStatus.Pending;
        foreach (var act in acts)
        {
            var before = (await store.FindAsync(id, Token))!;
            var byFirst = act is Act.FirstBegins or Act.FirstSaves or Act.FirstSucceeds or Act.FirstFails;
            // Who does not hold the lease, because another took it or it never had it, changes nothing.
            var holds = byFirst ? second is null : second is not null;
            switch (act)
            {
                case Act.SecondTakesTheLease when second is null:
                    clock.Advance(TimeSpan.FromSeconds(2));
                    second = await leases.TryAcquireAsync(name, "second", TimeSpan.FromDays(1), Token);
                    break;
                case Act.FirstBegins or Act.SecondBegins:
                    var begun = await store.TryBeginAsync(id, s_noon, byFirst ? first : second ?? first with { Token = 99 }, Token);
                    Assert.Equal(holds && !before.IsOver, begun);
                    expected = begun ? TrainingStatus.Running : expected;
                    break;
                case Act.FirstSaves or Act.SecondSaves:
                    var (saved, _) = await store.TrySaveAsync(
                        id,
                        "sha256:x",
                        3,
                        byFirst ? first : second ?? first with { Token = 99 },
                        Token
                    );
                    Assert.Equal(holds && !before.IsOver, saved);
                    break;
                case Act.FirstSucceeds or Act.FirstFails or Act.SecondSucceeds:
                    var to = act == Act.FirstFails ? TrainingStatus.Failed : TrainingStatus.Succeeded;
                    var moved = await store.TryMoveAsync(
                        run with
                        {
                            Status = to,
                        },
                        byFirst ? first : second ?? first with { Token = 99 },
                        Token
                    );
                    var mayMove =
                        before.Status == TrainingStatus.Running || (before.Status == TrainingStatus.Pending && to == TrainingStatus.Failed);
                    Assert.Equal(holds && mayMove, moved);
                    expected = moved ? to : expected;
                    break;
                case Act.SomebodyCancels:
                    await store.RequestCancelAsync(id, s_noon, Token);
                    expected = expected == TrainingStatus.Pending ? TrainingStatus.Cancelled : expected;
                    break;
                default:
                    break;
            }

            Assert.Equal(expected, (await store.FindAsync(id, Token))!.Status);
        }
    }
}
