using System.Text.Json;
using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Deployments;
using AgentLightning.Episodes;
using AgentLightning.Tests.Storage;
using AgentLightning.Triage;

namespace AgentLightning.Tests.Triage;

public sealed class TriageTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The twelve worked examples that the rules were made with.</summary>
    public static TheoryData<string, int, string, string?, string> Examples =>
        new()
        {
            { "bug", 1, "The Docs link in the top menu returns 404.", "/docs", FeedbackCategories.WebsiteBug },
            { "bug", 2, "Home page takes 12 seconds to load on mobile.", "/", FeedbackCategories.WebsiteBug },
            {
                "bug",
                1,
                "BoundaryEnforcer let a privacy decision through without approval.",
                "/framework",
                FeedbackCategories.FrameworkIssue
            },
            {
                "technical_question",
                3,
                "CrossReferenceValidator does not flag the port conflict in the example.",
                null,
                FeedbackCategories.FrameworkIssue
            },
            {
                "technical_question",
                3,
                "No example of installing the framework on Windows.",
                "/docs/install",
                FeedbackCategories.ContentGap
            },
            { "technical_question", 2, "I don't understand what persistence HIGH means.", null, FeedbackCategories.ContentGap },
            { "feature", 4, "Please add CSV export to the audit dashboard.", null, FeedbackCategories.FeatureRequest },
            { "feature", 4, "Support for Python agents would help us.", null, FeedbackCategories.FeatureRequest },
            { "general", 5, "Clear explanation of the 27027 incident, thank you.", null, FeedbackCategories.Positive },
            { "research", 5, "Great work; we cite it in our paper.", null, FeedbackCategories.Positive },
            { "general", 1, "asdf test test", null, FeedbackCategories.Noise },
            { "commercial", 3, "Buy SEO backlinks cheap", null, FeedbackCategories.Noise },
        };

    [Theory]
    [MemberData(nameof(Examples))]
    public void The_rules_answer_the_worked_examples(string type, int rating, string comment, string? page, string category)
    {
        var task = new FeedbackTask(comment, Type: type, Rating: rating, Page: page);
        var policy = new RuleTriagePolicy();
        var scores = new float[policy.Categories.Count];
        var choice = policy.Score(task, scores);
        var analysis = AnalysisWriter.Write(task, policy.Categories[choice], Math.Exp(scores[choice]), policy.Explain(task, choice));

        Assert.Equal(category, analysis.Category);
        Assert.Equal(1, scores.Sum(logP => Math.Exp(logP)), 1e-5);
        Assert.Equal(type == "commercial", analysis.NeedsHuman);
        Assert.InRange(analysis.Priority, 1, 10);
        Assert.InRange(TriageReward.Quality(task, analysis), 0.8, 1);
    }

    [Fact]
    public void The_reward_is_the_weighted_sum_that_it_says()
    {
        var task = new FeedbackTask("The Docs link in the top menu returns 404.", Type: "bug", Rating: 1, Page: "/docs");
        var analysis = new FeedbackAnalysis(
            FeedbackCategories.WebsiteBug,
            Severity.High,
            "Fix the Docs link in the menu",
            7,
            0.9,
            "404",
            false
        );

        Assert.Equal(1, TriageReward.Quality(task, analysis), 1e-12);
        Assert.Equal(0.75, TriageReward.Quality(task, analysis with { Action = "look into it" }), 1e-12);
        Assert.Equal(0.60, TriageReward.Quality(task, analysis with { Category = "other" }), 1e-12);
        Assert.Equal(0.75, TriageReward.Quality(task, analysis with { Severity = Severity.Low }), 1e-12);
        Assert.Equal(1, TriageReward.Validated(task, analysis, new(FeedbackCategories.WebsiteBug, Severity.High, true)), 1e-12);
        Assert.Equal(0.8, TriageReward.Validated(task, analysis, new(FeedbackCategories.WebsiteBug, Severity.Critical, false)), 1e-12);
        Assert.Equal(0.3, TriageReward.Validated(task, analysis, new(FeedbackCategories.Noise, Severity.Low, false)), 1e-12);
        Assert.Single(Enumerable.Range(0, 100).Select(_ => TriageReward.Quality(task, analysis)).Distinct());
    }

    [Fact]
    public async Task Every_call_is_an_episode_with_input_answer_and_true_latency()
    {
        await using var product = await Product.OpenAsync();
        var task = new FeedbackTask("Search finds nothing on my phone", Type: "bug", Rating: 2, Page: "/search");

        var result = await product
            .Get<TriageFeedback>()
            .ExecuteAsync(Product.Owner, task, new TriageCall(Product.Agent, SessionId: "s"), new Random(1), Token);
        await product.Get<EpisodeRecorder>().FlushAsync(Token);

        var episode = (await product.Get<IEpisodeStore>().FindAsync(result.EpisodeId, Token))!;
        Assert.Equal(task, FeedbackTask.FromJson(episode.UserInput));
        Assert.Equal(result.Analysis, JsonSerializer.Deserialize<FeedbackAnalysis>(episode.AssistantOutput, LightningJson.Options));
        Assert.True(episode.RequestLatencyMs > 0);
        Assert.Equal(
            ("s", RuleTriagePolicy.PolicyName, result.Analysis.Category, 0.0),
            (episode.SessionId, episode.ModelDeployment, episode.Action, episode.ActionLogProbability)
        );
    }

    [Theory]
    [InlineData(0)]
    [InlineData(60)]
    public async Task An_answer_quotes_no_secret_whole_or_cut(int before)
    {
        await using var product = await Product.OpenAsync();
        var comment = $"{new string('x', before)} ghp_FAKE0001OUTPUT0001FAKE0000EXAMPLE00 is not taken";

        var result = await product
            .Get<TriageFeedback>()
            .ExecuteAsync(Product.Owner, new FeedbackTask(comment, Type: "bug"), new TriageCall(Product.Agent), new Random(1), Token);

        Assert.DoesNotContain("ghp_FAKE", result.Analysis.Action, StringComparison.Ordinal);
        Assert.Contains("[SECRET]", result.Analysis.Action, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_episode_id_that_another_agent_has_too_is_each_agents_own_also_while_the_first_waits_in_the_queue()
    {
        await using var product = await Product.OpenAsync();
        var triage = product.Get<TriageFeedback>();
        await triage.ExecuteAsync(Product.Owner, new FeedbackTask("first"), new TriageCall("shop", "mine"), new Random(1), Token);

        var second = await triage.ExecuteAsync(
            new Scope("key 1", Role.Write, ["other"]),
            new FeedbackTask("second"),
            new TriageCall("other", "mine", Durable: true),
            new Random(1),
            Token
        );

        Assert.True(second.Captured);
        Assert.Equal("mine", second.EpisodeId);
        var stored = (await product.Get<IEpisodeStore>().FindAsync("mine", Token))!;
        Assert.Equal(("shop", "first"), (stored.AgentId, FeedbackTask.FromJson(stored.UserInput).Comment));
        var own = (await product.Get<IEpisodeStore>().FindAsync(second.Episode.Id, Token))!;
        Assert.Equal(("other", "second"), (own.AgentId, FeedbackTask.FromJson(own.UserInput).Comment));
    }

    [Fact]
    public async Task Exploration_records_how_likely_the_choice_was()
    {
        await using var product = await Product.OpenAsync();
        var (agent, random) = (product.Get<TriageFeedback>(), new Random(5));
        var task = new FeedbackTask("Please add CSV export", Type: "feature");
        var results = new List<TriageResult>();
        for (var i = 0; i < 600; i++)
        {
            results.Add(await agent.ExecuteAsync(Product.Owner, task, new TriageCall(Product.Agent, Exploration: 0.3), random, Token));
        }

        var chances = results
            .GroupBy(result => result.Analysis.Category)
            .ToDictionary(
                group => group.Key,
                group => (Share: group.Count() / 600.0, LogP: group.First().Episode.ActionLogProbability!.Value)
            );
        Assert.Equal(6, chances.Count);
        Assert.Equal(Math.Log(0.75), chances[FeedbackCategories.FeatureRequest].LogP, 1e-9);
        Assert.Equal(Math.Log(0.05), chances[FeedbackCategories.Noise].LogP, 1e-9);
        Assert.All(chances.Values, chance => Assert.InRange(chance.Share, Math.Exp(chance.LogP) - 0.06, Math.Exp(chance.LogP) + 0.06));
    }

    [Fact]
    public async Task The_active_release_answers_and_its_name_is_in_the_episode()
    {
        await using var product = await Product.OpenAsync();
        var run = await product.AddRunAsync("apples", "pears");
        var release = await product
            .Get<Promote>()
            .ExecuteAsync(Product.Owner, new PromoteRequest(Product.Agent, run.Id, Force: true), Token);

        var result = await product
            .Get<TriageFeedback>()
            .ExecuteAsync(Product.Owner, new FeedbackTask("I like pears"), new TriageCall(Product.Agent), new Random(1), Token);

        Assert.Equal(
            ("pears", release.Id, release.TunedModelName),
            (result.Analysis.Category, result.Episode.DeploymentId, result.Episode.ModelDeployment)
        );
    }

    [Theory]
    [InlineData("", null, null, "no text")]
    [InlineData("  \n", null, null, "no text")]
    [InlineData("fine", 0, null, "rating must be from 1 to 5, but it is 0")]
    [InlineData("fine", null, "bad id", "agent_id")]
    public async Task Bad_feedback_is_refused_and_not_captured(string comment, int? rating, string? agentId, string message)
    {
        await using var product = await Product.OpenAsync();

        var error = await Assert.ThrowsAsync<LightningException>(() =>
            product
                .Get<TriageFeedback>()
                .ExecuteAsync(
                    Product.Owner,
                    new FeedbackTask(comment, Rating: rating),
                    new TriageCall(agentId ?? Product.Agent),
                    new Random(1),
                    Token
                )
        );
        await product.Get<EpisodeRecorder>().FlushAsync(Token);

        Assert.Equal(ErrorKind.Invalid, error.Kind);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Equal(0, await product.Get<IEpisodeStore>().CountAsync(null, Token));
    }
}
