using System.Text.Json;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Environments;
using AgentLightning.Models.Environments.Tools;
using AgentLightning.Models.Loops;
using AgentLightning.Models.Loops.Reinforcement;
using AgentLightning.Models.Tensors;
using AgentLightning.Models.Tokenizers;

namespace AgentLightning.Models.Tests;

/// <summary>
/// A model that knows what a call looks like learns from rewards which one to make: the answer stands in a table that only a tool can read.
/// </summary>
public sealed class ToolLearningTests : IDisposable
{
    private const int Break = 10,
        End = 11,
        Open = 12,
        Close = 13,
        Result = 14,
        ResultEnd = 15;
    private static readonly JsonElement s_schema = JsonDocument
        .Parse("""{"type":"object","properties":{"at":{"type":"integer"}},"required":["at"]}""")
        .RootElement;

    // Test classes run side by side: one thread each keeps every core busy, and none waits for another.
    private readonly Compute _compute = new(1);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _compute.Dispose();

    [Fact]
    public async Task A_model_learns_what_to_ask_a_tool_for()
    {
        var tokenizer = Tokenizer();
        using var model = Transformer.Create(
            ReverseDigits.LargerConfig with
            {
                VocabularySize = tokenizer.VocabularySize,
                MaxPositions = 28,
            },
            1
        );
        model.Train(true);
        var random = new SeededRandom(5);
        await FineTuningLoop.TrainAsync(
            model,
            model.Parameters,
            _compute,
            [
                .. Enumerable
                    .Range(0, 3000)
                    .Select(i => Example(random.NextInt(10), random.NextInt(10), random.NextInt(10), wholly: i % 4 == 0)),
            ],
            [],
            new FineTuningOptions
            {
                Steps = 120,
                BatchSize = 128,
                LearningRate = 3e-3f,
            },
            null,
            false,
            TimeProvider.System,
            null,
            Token
        );
        var tool = new FunctionTool("look", "The number at a place.", s_schema, (arguments, task, _) =>
            ValueTask.FromResult(task.Item[arguments.GetProperty("at").GetInt32()].GetRawText())
        );
        var environment = new ToolEnvironment(
            [tool],
            new ToolConversation(tokenizer),
            new Exact(tokenizer),
            new ToolOptions { MaxTurns = 2 },
            TimeProvider.System
        );
        var tasks = Enumerable
            .Range(0, 1000)
            .Select(i => new RolloutTask(
                $"{i}",
                [i % 10, Break],
                JsonSerializer.SerializeToElement(Enumerable.Range(0, 10).Select(_ => random.NextInt(10)))
            ))
            .ToList();
        var options = new ReinforcementOptions
        {
            Steps = 100,
            MaxTokens = 4,
            MaxTurns = 2,
            TasksPerStep = 32,
            Attempts = 16,
            LearningRate = 1e-3f,
            EntropyBonus = 0.02,
            EvaluateEvery = 10,
            StopAtAccuracy = 0.99,
        };
        var lines = new List<ReinforcementEvent>();

        await ReinforcementLoop.TrainAsync(
            new LanguagePolicy(model, _compute, Tokenizer: tokenizer),
            tasks[200..],
            tasks[..200],
            environment,
            options,
            null,
            false,
            TimeProvider.System,
            lines.Add,
            null,
            Token
        );

        var accuracies = lines.Select(line => line.Find(ReinforcementEvent.Accuracy)).OfType<double>().ToList();
        Assert.InRange(accuracies[0], 0, 0.4);
        Assert.InRange(accuracies[^1], 0.99, 1);
        var steps = lines.Where(line => line.Find(ReinforcementEvent.Reward) is not null).ToList();
        Assert.InRange(steps[^1].Find("tools/call_frequency")!.Value, 0.9, 1.1);
        Assert.InRange(steps[^1].Find("tools/failure_frequency")!.Value, 0, 0.2);
        Assert.InRange(steps[^1].Find("num_turns/mean")!.Value, 1.8, 2);
    }

    /// <summary>A call for any place, what it gives, and that as the answer, which alone is learned where the rest is not.</summary>
    private static TokenExample Example(int asked, int at, int value, bool wholly) =>
        new([asked, Break, Open, at, Close, End, Break, Result, Break, value, Break, ResultEnd, Break, value, End], wholly ? 2 : 13);

    /// <summary>Digits, a line break, and a token for each part of a call.</summary>
    private static Tokenizer Tokenizer() =>
        Tokenizers.Tokenizer.Parse(
            JsonSerializer.Serialize(
                new
                {
                    version = "1.0",
                    added_tokens = new (int Id, string Content, bool Special)[]
                    {
                        (Break, "\n", false),
                        (End, "<end>", true),
                        (Open, "<tool_call>{\"name\":\"look\",\"arguments\":{\"at\":", false),
                        (Close, "}}</tool_call>", false),
                        (Result, "<tool_response>", false),
                        (ResultEnd, "</tool_response>", false),
                    }.Select(token => new
                    {
                        id = token.Id,
                        content = token.Content,
                        special = token.Special,
                        single_word = false,
                        lstrip = false,
                        rstrip = false,
                        normalized = false,
                    }),
                    // What errors are told with is unknown to this vocabulary, and one token.
                    model = new
                    {
                        type = "BPE",
                        unk_token = "?",
                        fuse_unk = true,
                        vocab = Enumerable
                            .Range(0, 10)
                            .Select(digit => $"{digit}")
                            .Append("?")
                            .Select((token, i) => (token, Id: i < 10 ? i : 16))
                            .ToDictionary(pair => pair.token, pair => pair.Id),
                        merges = Array.Empty<string>(),
                    },
                }
            ),
            """{"eos_token":"<end>"}"""
        );

    private sealed class Exact(Tokenizer tokenizer) : IEnvironment
    {
        public ValueTask<Turn> StepAsync(Attempt attempt, CancellationToken cancellationToken) =>
            ValueTask.FromResult(
                Turn.Last(tokenizer.Decode(attempt.LastTurn) == attempt.Task.Item[attempt.Task.Prompt[0]].GetRawText() ? 1 : 0)
            );
    }
}
