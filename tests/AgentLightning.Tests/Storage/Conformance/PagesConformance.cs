using AgentLightning.Audit;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Deployments;
using AgentLightning.Training;

namespace AgentLightning.Tests.Storage.Conformance;

/// <summary>What all lists promise: a page follows the one before, whatever became of the rows meanwhile.</summary>
public abstract class PagesConformance<TEngine> : StoreConformance<TEngine>
    where TEngine : StoreEngine, new()
{
    private const int Rows = 10;

    [Fact]
    public async Task Pages_of_audit_entries_go_on_after_their_last_row_was_deleted()
    {
        var log = Get<IAuditLog>();
        await log.AppendAsync(
            [
                .. Enumerable
                    .Range(0, Rows)
                    .Select(i => new AuditEntry(
                        $"r{i}",
                        Noon.AddMinutes(i / 3),
                        "agent",
                        "cli",
                        AuditAction.Promoted,
                        "s",
                        AuditOutcome.Succeeded,
                        null
                    )),
            ],
            Token
        );

        await AssertGoesOnAsync(
            "DELETE FROM audit_entries WHERE id = @id",
            (limit, before) => log.ListAsync(new AuditQuery(["agent"], Limit: limit, Before: before), Token),
            entry => entry.Id,
            entry => PageCursor.After(entry.At, entry.Id)
        );
    }

    [Fact]
    public async Task Pages_of_data_sets_go_on_after_their_last_row_was_deleted()
    {
        for (var i = 0; i < Rows; i++)
        {
            await AddDatasetAsync($"r{i}");
        }

        await AssertGoesOnAsync(
            "DELETE FROM datasets WHERE id = @id",
            (limit, before) => Get<IDatasetStore>().ListAsync("agent", limit, before, Token),
            dataset => dataset.Id,
            dataset => PageCursor.After(dataset.CreatedAt, dataset.Id)
        );
    }

    [Fact]
    public async Task Pages_of_training_runs_go_on_after_their_last_row_was_deleted()
    {
        await AddDatasetAsync();
        for (var i = 0; i < Rows; i++)
        {
            await AddRunAsync($"r{i}");
        }

        await AssertGoesOnAsync(
            "DELETE FROM training_runs WHERE id = @id",
            (limit, before) => Get<ITrainingRunStore>().ListAsync(null, limit, before, Token),
            run => run.Id,
            run => PageCursor.After(run.CreatedAt, run.Id)
        );
    }

    [Fact]
    public async Task Pages_of_releases_go_on_after_their_last_row_was_deleted()
    {
        var store = Get<IDeploymentStore>();
        for (var i = 0; i < Rows; i++)
        {
            // Of one moment: their numbers order them, and not their ids.
            var release = new Deployment(
                $"r{Rows - 1 - i}",
                "agent",
                Deployment.DefaultSlot,
                0,
                null,
                null,
                "model",
                null,
                true,
                false,
                null,
                Noon,
                "test",
                null,
                null
            );
            await store.ActivateAsync(release, i == 0 ? null : $"r{Rows - i}", Token);
        }

        await AssertGoesOnAsync(
            "DELETE FROM deployments WHERE id = @id",
            (limit, before) => store.ListAsync("agent", null, limit, before, Token),
            release => release.Id,
            release => release.Cursor(),
            prepare: id => Engine.DamageAsync("UPDATE deployments SET replaces = NULL WHERE replaces = @id", id)
        );
    }

    private async Task AssertGoesOnAsync<T>(
        string delete,
        Func<int, string?, Task<IReadOnlyList<T>>> listAsync,
        Func<T, string> idOf,
        Func<T, string> after,
        Func<string, Task>? prepare = null
    )
    {
        var all = (await listAsync(Rows, null)).Select(idOf).ToList();
        Assert.Equal(Rows, all.Count);
        var (seen, before) = (new List<string>(), (string?)null);
        do
        {
            var page = await listAsync(4, before);
            seen.AddRange(page.Select(idOf));
            before = ListPage.Of(page, 4, after).Next;
            if (before is not null)
            {
                await (prepare?.Invoke(seen[^1]) ?? Task.CompletedTask);
                await Engine.DamageAsync(delete, seen[^1]);
            }
        } while (before is not null);

        Assert.Equal(all, seen);
    }
}
