using AgentLightning.Audit;
using AgentLightning.Common;

namespace AgentLightning.Tests.Storage.Conformance;

public abstract class AuditLogConformance<TEngine> : StoreConformance<TEngine>
    where TEngine : StoreEngine, new()
{
    private IAuditLog Log => Get<IAuditLog>();

    [Fact]
    public async Task An_entry_comes_back_as_it_was_written_and_is_written_once()
    {
        var entry = NewEntry("e1") with { Detail = new Dictionary<string, string> { ["name"] = "value \" 🙂" } };

        await Log.AppendAsync([entry, NewEntry("e2") with { AgentId = null }], Token);
        await Log.AppendAsync([entry with { Actor = "somebody else" }], Token);

        var listed = await Log.ListAsync(new AuditQuery(), Token);
        Assert.Equal(["e2", "e1"], listed.Select(found => found.Id));
        Assert.Equivalent(entry, listed[1], strict: true);
    }

    [Fact]
    public async Task Pages_follow_each_other_without_a_gap_while_entries_arrive()
    {
        // Several at one moment, so that the time alone does not order them.
        await Log.AppendAsync([.. Enumerable.Range(0, 25).Select(i => NewEntry($"e{i:00}", minute: i / 5))], Token);
        var (seen, before) = (new List<string>(), (string?)null);
        while (true)
        {
            var page = await Log.ListAsync(new AuditQuery(Limit: 4, Before: before), Token);
            if (page.Count == 0)
            {
                break;
            }

            seen.AddRange(page.Select(entry => entry.Id));
            before = page[^1].Id;
            await Log.AppendAsync([NewEntry($"late-{seen.Count}", minute: 100)], Token);
        }

        Assert.Equal(Enumerable.Range(0, 25).Select(i => $"e{i:00}").Reverse(), seen);
    }

    [Fact]
    public async Task Entries_are_found_by_agent_action_and_time()
    {
        await Log.AppendAsync(
            [
                NewEntry("a", minute: 0),
                NewEntry("b", minute: 1) with
                {
                    AgentId = "other",
                },
                NewEntry("c", minute: 2) with
                {
                    AgentId = null,
                },
                NewEntry("d", minute: 3) with
                {
                    Action = AuditAction.KeyRevoked,
                },
            ],
            Token
        );

        Assert.Equal("d a", await FoundAsync(new AuditQuery(Agents: ["agent"])));
        Assert.Equal("d b a", await FoundAsync(new AuditQuery(Agents: ["agent", "other"])));
        Assert.Equal("", await FoundAsync(new AuditQuery(Agents: [])));
        Assert.Equal("d", await FoundAsync(new AuditQuery(Action: AuditAction.KeyRevoked)));
        Assert.Equal("c b", await FoundAsync(new AuditQuery(Start: Noon.AddMinutes(1), End: Noon.AddMinutes(3))));
    }

    [Fact]
    public async Task A_page_cannot_begin_at_an_entry_that_the_query_may_not_see()
    {
        await Log.AppendAsync([NewEntry("mine"), NewEntry("theirs") with { AgentId = "other" }], Token);

        var unknown = await Assert.ThrowsAsync<LightningException>(() =>
            Log.ListAsync(new AuditQuery(Agents: ["agent"], Before: "nobody"), Token)
        );
        var foreign = await Assert.ThrowsAsync<LightningException>(() =>
            Log.ListAsync(new AuditQuery(Agents: ["agent"], Before: "theirs"), Token)
        );

        Assert.Equal(ErrorKind.NotFound, foreign.Kind);
        Assert.Equal(unknown.Message.Replace("nobody", "theirs", StringComparison.Ordinal), foreign.Message);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1_001)]
    public async Task A_page_has_a_bounded_size(int limit) =>
        Assert.Equal(
            ErrorKind.Invalid,
            (await Assert.ThrowsAsync<LightningException>(() => Log.ListAsync(new AuditQuery(Limit: limit), Token))).Kind
        );

    private async Task<string> FoundAsync(AuditQuery query) =>
        string.Join(' ', (await Log.ListAsync(query, Token)).Select(entry => entry.Id));

    private static AuditEntry NewEntry(string id, int minute = 0) =>
        new(id, Noon.AddMinutes(minute), "agent", "cli", AuditAction.Promoted, "release-1", AuditOutcome.Succeeded, null);
}
