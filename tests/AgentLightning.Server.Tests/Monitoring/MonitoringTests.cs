using System.Globalization;
using System.Net;
using System.Text.Json;
using AgentLightning.Episodes;
using AgentLightning.Rewards;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Server.Tests;

public sealed class MonitoringTests
{
    private const string Api = "/api/lightning/monitoring";
    private const string Admin = "/api/v1/admin/agent-lightning";

    // A Sunday, and the Monday after it, at noon.
    private static readonly DateTimeOffset s_sunday = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("day", """[["2026-03-01",3,2,0.25],["2026-03-02",2,1,-1]]""")]
    [InlineData("week", """[["2026-W09",3,2,0.25],["2026-W10",2,1,-1]]""")]
    [InlineData("intent", """[["billing",3,2,0.25],["",2,1,-1]]""")]
    [InlineData("persona", """[["",5,3,-0.166667]]""")]
    [InlineData("model", """[["m1",4,3,-0.166667],["m2",1,0,null]]""")]
    public async Task Average_rewards_are_reported_by_what_is_asked_for(string by, string expected)
    {
        using var folder = new TemporaryFolder();
        await using var server = await StartAsync(folder);

        var report = await server.GetAsync($"{Api}/rewards?agent_id=chat&start=2026-03-01&end=2026-03-31&by={by}");

        Assert.Equal(["agent_id", "start", "end", "by", "groups"], report.EnumerateObject().Select(property => property.Name));
        Assert.Equal(("2026-03-01", "2026-03-31"), (report.GetProperty("start").GetString(), report.GetProperty("end").GetString()));
        Assert.Equal(
            expected,
            $"[{string.Join(',', report.GetProperty("groups").EnumerateArray().Select(group =>
            $"[{string.Join(',', new[] { "key", "episodes", "rewards", "average_reward" }.Select(name => group.GetProperty(name).GetRawText()))}]"))}]"
        );
    }

    [Fact]
    public async Task The_distribution_and_the_share_of_answered_messages_count_the_period()
    {
        using var folder = new TemporaryFolder();
        await using var server = await StartAsync(folder);
        await server.PostAsync(
            "/api/v1/chat/feedback",
            new { message_id = "00000000-0000-0000-0000-000000000001", feedback_type = "thumbs_up" }
        );
        await server.PostAsync(
            "/api/v1/chat/feedback",
            new { message_id = "00000000-0000-0000-0000-000000000001", feedback_type = "thumbs_down" }
        );

        var spread = await server.GetAsync($"{Api}/distribution?agent_id=chat&start=2026-03-01&end=2026-03-02");
        var sunday = await server.GetAsync($"{Api}/submission-rate?agent_id=chat&start=2026-03-01&end=2026-03-01");
        var both = await server.GetAsync($"{Api}/submission-rate?agent_id=chat&start=2026-03-01&end=2026-03-02");
        var none = await server.GetAsync($"{Api}/submission-rate?agent_id=chat&start=2025-03-01&end=2025-03-02");

        Assert.Equal((4, 1, 0, 3), (Int(spread, "rewards"), Int(spread, "excellent"), Int(spread, "good"), Int(spread, "poor")));
        Assert.Equal(
            (3, 1, 33.33),
            (Int(sunday, "episodes"), Int(sunday, "episodes_with_feedback"), sunday.GetProperty("submission_rate_pct").GetDouble())
        );
        Assert.Equal(0.2, both.GetProperty("submission_rate").GetDouble());
        Assert.Equal(0, none.GetProperty("submission_rate").GetDouble());
    }

    [Fact]
    public async Task What_is_rewarded_worse_than_the_rest_is_found_with_examples()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        await AddAsync(
            server,
            [
                .. Enumerable
                    .Range(0, 60)
                    .Select(i =>
                        ($"e{i}", i % 3 == 0 ? "refund" : "billing", "m1", s_sunday, (double?)(i % 3 == 0 ? -0.8 + (i / 100.0) : 0.5))
                    ),
            ]
        );

        var report = await server.GetAsync($"{Api}/low-rewards?agent_id=chat&start=2026-03-01&end=2026-03-02");

        var pattern = Assert.Single(report.GetProperty("patterns").EnumerateArray());
        Assert.Equal("""{"intent":"refund"}""", pattern.GetProperty("pattern").GetRawText());
        Assert.Equal((20, 20, 40), (Int(pattern, "episodes"), Int(pattern, "rewards"), Int(pattern, "rest_rewards")));
        Assert.Equal(0.5, pattern.GetProperty("rest_average_reward").GetDouble());
        Assert.InRange(pattern.GetProperty("shortfall_at_least").GetDouble(), 0.5, pattern.GetProperty("shortfall").GetDouble());
        Assert.Equal(["e0", "e3", "e6"], pattern.GetProperty("examples").EnumerateArray().Select(id => id.GetString()));
    }

    [Theory]
    [InlineData("rewards?start=2025-01-01&end=2026-01-02", "from 1 to 366 days")]
    [InlineData("rewards?start=2026-01-02&end=2026-01-01", "start must not be after end")]
    [InlineData("rewards?start=soon", "start must be a time in ISO 8601")]
    [InlineData("rewards?by=colour", "day, week, intent, persona, model")]
    [InlineData("rewards?by=model&limit=0", "limit must be from 1 to 1000")]
    [InlineData("submission-rate?start=2025-01-01&end=2026-01-02", "from 1 to 366 days")]
    [InlineData("distribution?end=soon", "end must be a time")]
    [InlineData("low-rewards?limit=101", "limit must be from 1 to 100")]
    public async Task A_report_that_cannot_be_is_refused_with_what_is_wrong(string query, string detail)
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        using var response = await server.Http.GetAsync($"{Api}/{query}");

        Assert.Contains(detail, await ServerUnderTest.ProblemAsync(HttpStatusCode.BadRequest, response), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_statistics_of_chat_agents_are_on_their_own_scale()
    {
        using var folder = new TemporaryFolder();
        await using var server = await StartAsync(folder);

        var chat = await server.GetAsync($"{Admin}/stats?agent_name=chat");
        var empty = await server.GetAsync($"{Admin}/stats?agent_name=nobody");

        Assert.Equal("""{"enabled":true,"total_interactions":5,"avg_reward":0.417,"min_reward":0,"max_reward":1}""", chat.GetRawText());
        Assert.Equal("""{"enabled":true,"total_interactions":0,"avg_reward":0}""", empty.GetRawText());
    }

    [Fact]
    public async Task Feedback_of_the_last_days_is_counted_by_type_and_day_and_shown_on_the_dashboard()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        await AddAsync(server, [.. Enumerable.Range(1, 4).Select(i => ($"e{i}", "billing", "m1", DateTimeOffset.UtcNow, (double?)null))]);
        foreach (var (message, type) in new[] { (1, "thumbs_up"), (2, "thumbs_up"), (3, "regenerate") })
        {
            await server.PostAsync(
                "/api/v1/chat/feedback",
                new { message_id = $"00000000-0000-0000-0000-00000000000{message}", feedback_type = type }
            );
        }

        var stats = await server.GetAsync($"{Admin}/feedback/stats?days=7");
        Assert.Equal(
            ["period_days", "total_feedback", "avg_reward", "by_type", "daily_trends", "timestamp"],
            stats.EnumerateObject().Select(property => property.Name)
        );
        // The intent is known, and the answer is short: 1.0 - 0.1 + 0.1, 0.2 + 0.1 - 0.1.
        Assert.Equal((7, 3, 0.667), (Int(stats, "period_days"), Int(stats, "total_feedback"), stats.GetProperty("avg_reward").GetDouble()));
        Assert.Equal(
            """[{"feedback_type":"thumbs_up","count":2,"avg_reward":0.9},{"feedback_type":"regenerate","count":1,"avg_reward":0.2}]""",
            stats.GetProperty("by_type").GetRawText()
        );
        Assert.Equal(3, stats.GetProperty("daily_trends").EnumerateArray().Sum(day => Int(day, "count")));

        var recent = await server.GetAsync($"{Admin}/feedback/recent?limit=2");
        Assert.Equal(
            ["regenerate", "thumbs_up"],
            recent.GetProperty("feedback").EnumerateArray().Select(item => item.GetProperty("feedback_type").GetString())
        );

        var dashboard = await server.GetAsync($"{Admin}/dashboard");
        Assert.Equal(
            ["agent_lightning", "feedback_summary", "phase2_progress", "timestamp"],
            dashboard.EnumerateObject().Select(property => property.Name)
        );
        Assert.Equal(4, Int(dashboard.GetProperty("agent_lightning"), "total_interactions"));
        Assert.Equal(
            """{"total_feedback_7d":3,"avg_reward_7d":0.667,"submission_rate_pct":75,"distribution":{"excellent":2,"good":0,"poor":1}}""",
            dashboard.GetProperty("feedback_summary").GetRawText()
        );
        Assert.Equal(
            """{"interactions":{"current":4,"goal":1000,"progress_pct":0.4},"feedback":{"current":3,"goal":200,"progress_pct":1.5},"submission_rate":{"current":75,"goal":20,"progress_pct":100}}""",
            dashboard.GetProperty("phase2_progress").GetRawText()
        );
        using var refused = await server.Http.GetAsync($"{Admin}/feedback/stats?days=367");
        Assert.Contains(
            "days must be from 1 to 366",
            await ServerUnderTest.ProblemAsync(HttpStatusCode.BadRequest, refused),
            StringComparison.Ordinal
        );
    }

    private static int Int(JsonElement element, string name) => element.GetProperty(name).GetInt32();

    private static async Task<ServerUnderTest> StartAsync(TemporaryFolder folder)
    {
        var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        await AddAsync(
            server,
            [
                ("e1", "billing", "m1", s_sunday, null),
                ("e2", "billing", "m1", s_sunday, 1.0),
                ("e3", "billing", "m1", s_sunday.AddHours(11), -0.5),
                ("e4", null, "m1", s_sunday.AddHours(12), -1.0),
                ("e5", null, "m2", s_sunday.AddHours(13), null),
            ]
        );
        return server;
    }

    private static async Task AddAsync(
        ServerUnderTest server,
        IReadOnlyList<(string Id, string? Intent, string Model, DateTimeOffset At, double? Reward)> rows
    )
    {
        await server
            .App.Services.GetRequiredService<IEpisodeStore>()
            .AddAsync(
                [
                    .. rows.Select(row => new Episode
                    {
                        Id = row.Id,
                        AgentId = "chat",
                        MessageId = $"00000000-0000-0000-0000-{int.Parse(row.Id[1..], CultureInfo.InvariantCulture):000000000000}",
                        Intent = row.Intent,
                        ModelDeployment = row.Model,
                        UserInput = "i",
                        AssistantOutput = "o",
                        CreatedAt = row.At,
                        RequestLatencyMs = 1,
                    }),
                ],
                CancellationToken.None
            );
        await server
            .App.Services.GetRequiredService<IRewardStore>()
            .AddAsync(
                [
                    .. rows.Where(row => row.Reward is not null)
                        .Select(row => new Reward
                        {
                            Id = "r" + row.Id,
                            EpisodeId = row.Id,
                            AgentId = "chat",
                            Source = RewardSource.EvalScore,
                            Value = row.Reward!.Value,
                            CreatedAt = row.At,
                        }),
                ],
                CancellationToken.None
            );
    }
}
