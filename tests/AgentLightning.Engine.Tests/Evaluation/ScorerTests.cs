using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Engine.Evaluation;
using AgentLightning.Evaluation;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.AI.Evaluation;

namespace AgentLightning.Engine.Tests.Evaluation;

public sealed class ScorerTests
{
    private static readonly EvaluationItem s_item = new("k", "s", [new DatasetMessage("user", "When do you open?")], "At nine", ["e"]);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("""{"type":"match","reference":"{{item.reference_answer}}"}""", "at NINE.", 1)]
    [InlineData("""{"type":"match","reference":"{{item.reference_answer}}"}""", "at ten", 0)]
    [InlineData("""{"type":"pattern","pattern":"^At"}""", "At ten", 1)]
    [InlineData("""{"type":"string_check","input":"{{sample.output_json.hour}}","reference":"9","operation":"eq"}""", "no JSON", 0)]
    [InlineData("""{"type":"command","command":["grep","-q","nine","answer.txt"]}""", "At nine", 1)]
    [InlineData("""{"type":"command","command":["grep","-q","nine","answer.txt"]}""", "At ten", 0)]
    public async Task A_grader_scores_an_answer_and_one_that_is_not_of_its_form_is_wrong(string grader, string answer, double score)
    {
        var scorer = new GraderScorers().Read(JsonDocument.Parse(grader).RootElement)!;

        Assert.Equal(score, await scorer.ScoreAsync(s_item, answer, Token));
        Assert.Equal(grader.Contains("reference_answer", StringComparison.Ordinal), scorer.NeedsExpected);
    }

    [Fact]
    public async Task A_grader_that_asks_for_what_an_item_has_not_is_an_error_and_not_a_wrong_answer()
    {
        var scorer = new GraderScorers().Read(JsonDocument.Parse("""{"type":"match","reference":"{{item.nothing}}"}""").RootElement)!;

        var error = await Assert.ThrowsAsync<LightningException>(async () => await scorer.ScoreAsync(s_item, "At nine", Token));

        Assert.Equal(ErrorKind.Invalid, error.Kind);
        Assert.Contains("reference_answer, input, key and slice", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Truths_and_scales_of_evaluators_become_0_to_1()
    {
        Assert.Equal(1, await new EvaluatorScorer(new Judge(new BooleanMetric("good", true))).ScoreAsync(s_item, "At nine", Token));
        Assert.Equal(0.75, await new EvaluatorScorer(new Judge(new NumericMetric("good", 4))).ScoreAsync(s_item, "At nine", Token));
        Assert.True(double.IsNaN(await new EvaluatorScorer(new Judge(new NumericMetric("good"))).ScoreAsync(s_item, "At nine", Token)));
    }

    [Fact]
    public async Task A_chat_client_answers_the_conversation_without_chance()
    {
        using var client = new Listening();
        using var answerer = new ChatAnswerer("tuned", client);
        var item = s_item with
        {
            Messages =
            [
                new DatasetMessage("system", "Be short."),
                new DatasetMessage("user", "When do you open?"),
                new DatasetMessage("assistant", null, [new DatasetToolCall("c1", "hours", """{"day":"monday"}""")]),
                new DatasetMessage("tool", "9-17", null, "c1"),
            ],
        };

        Assert.Equal("At nine", await answerer.AnswerAsync(item, Token));

        Assert.Equal(["system", "user", "assistant", "tool"], client.Heard.Select(message => message.Role.Value));
        Assert.Equal("hours", Assert.IsType<FunctionCallContent>(Assert.Single(client.Heard[2].Contents)).Name);
        Assert.Equal("c1", Assert.IsType<FunctionResultContent>(Assert.Single(client.Heard[3].Contents)).CallId);
        Assert.Equal(0, client.Options!.Temperature);
    }

    private sealed class Judge(EvaluationMetric metric) : IEvaluator
    {
        public IReadOnlyCollection<string> EvaluationMetricNames => [metric.Name];

        public ValueTask<EvaluationResult> EvaluateAsync(
            IEnumerable<ChatMessage> messages,
            ChatResponse modelResponse,
            ChatConfiguration? chatConfiguration = null,
            IEnumerable<EvaluationContext>? additionalContext = null,
            CancellationToken cancellationToken = default
        ) => ValueTask.FromResult(new EvaluationResult(metric));
    }

    private sealed class Listening : IChatClient
    {
        public IReadOnlyList<ChatMessage> Heard { get; private set; } = [];

        public ChatOptions? Options { get; private set; }

        public Task<ChatResponse> GetResponseAsync(
            IEnumerable<ChatMessage> messages,
            ChatOptions? options = null,
            CancellationToken cancellationToken = default
        )
        {
            (Heard, Options) = ([.. messages], options);
            return Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, "At nine")));
        }

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages,
            ChatOptions? options = null,
            CancellationToken cancellationToken = default
        ) => throw new NotSupportedException();

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose() { }
    }
}
