using System.Text.Json;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Models.Checkpoints;
using AgentLightning.Models.Generation;
using AgentLightning.Models.Tensors;
using AgentLightning.Models.Tokenizers;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

/// <summary>What an agent did and how it was judged goes from the store into the model that did it.</summary>
public sealed class LoggedLearningTests : IDisposable
{
    private static readonly string[] s_prompts = ["the cat", "the dog", "sat on", "the mat"];
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Captured_episodes_with_tokens_and_rewards_teach_the_model_that_answered()
    {
        await LanguageModelFolder.CreateAsync(_folder.File("model"), ["the cat sat on the mat", "the dog sat on the log"]);
        var lines = new List<object>();
        foreach (var (prompt, completion) in Answers("model", 24))
        {
            var id = $"e{lines.Count}";
            lines.Add(
                new
                {
                    type = "episode",
                    id,
                    agent_id = "shop",
                    user_input = prompt,
                    // Random weights say anything, and the store holds no U+0000.
                    assistant_output = completion.Text.Replace('\0', ' '),
                    tokens = new
                    {
                        prompt_ids = completion.PromptIds,
                        completion_ids = completion.TokenIds,
                        completion_log_probabilities = completion.LogProbabilities,
                    },
                }
            );
            // A first judgement that the second corrects, and the clock of the machine has its say.
            lines.Add(
                new
                {
                    type = "reward",
                    episode_id = id,
                    reward = -1.0,
                    source = "eval_score",
                }
            );
            lines.Add(
                new
                {
                    type = "reward",
                    episode_id = id,
                    raw_value = Score(completion),
                    scale = "0..1",
                    source = "eval_score",
                }
            );
            lines.Add(
                new
                {
                    type = "reward",
                    episode_id = id,
                    reward = -0.01,
                    source = "latency_penalty",
                }
            );
        }

        lines.Add(
            new
            {
                type = "episode",
                id = "text",
                agent_id = "shop",
                user_input = "the cat",
                assistant_output = "sat",
            }
        );
        lines.Add(
            new
            {
                type = "episode",
                id = "plain",
                agent_id = "shop",
                user_input = "the cat",
                assistant_output = "sat",
                tokens = new { prompt_ids = new[] { 1 }, completion_ids = new[] { 2 } },
            }
        );
        lines.Add(
            new
            {
                type = "episode",
                id = "unjudged",
                agent_id = "shop",
                user_input = "the cat",
                tokens = new
                {
                    prompt_ids = new[] { 1 },
                    completion_ids = new[] { 2 },
                    completion_log_probabilities = new[] { -1.0 },
                },
            }
        );
        lines.Add(
            new
            {
                type = "episode",
                id = "failed",
                agent_id = "shop",
                user_input = "the cat",
                status = "failed",
            }
        );
        await File.WriteAllLinesAsync(_folder.File("in.jsonl"), lines.Select(line => JsonSerializer.Serialize(line)));
        await Lightning.MakeStoreAsync(_folder.File("shop.db"));
        Assert.Equal(0, (await Lightning.RunAsync(_folder.Path, "episodes", "import", "in.jsonl", "--store", "shop.db")).ExitCode);
        Assert.Equal(
            0,
            (await Lightning.RunAsync(_folder.Path, "episodes", "export", "--store", "shop.db", "--out", "log.jsonl")).ExitCode
        );
        string[] command =
        [
            "model",
            "rl",
            "--logged",
            "log.jsonl",
            "--model",
            "model",
            "--full",
            "--steps",
            "60",
            "--learning-rate",
            "0.003",
            "--tasks-per-step",
            "4",
            "--run",
            "run",
            "--save-every",
            "20",
            "--json",
        ];

        var learned = await Lightning.RunAsync(_folder.Path, [.. command, "--out", "better"]);
        var again = await Lightning.RunAsync(_folder.Path, [.. command, "--out", "again"]);

        var result = learned.Json();
        Assert.Equal(
            ("log.jsonl", 60, 96),
            (
                result.GetProperty("task").GetString(),
                result.GetProperty("steps").GetInt32(),
                result.GetProperty("logged").GetProperty("attempts").GetInt32()
            )
        );
        Assert.Equal(
            ["that did not succeed 1", "without a log-probability for each token 1", "without a reward 1", "without token ids 1"],
            result.GetProperty("logged").GetProperty("left_out").EnumerateObject().Select(reason => $"{reason.Name} {reason.Value}")
        );
        Assert.Contains(
            "Learning from 96 attempts. Left out are: 1 that did not succeed, 1 without a log-probability for each token, 1 without a "
                + "reward, 1 without token ids.",
            learned.Error,
            StringComparison.Ordinal
        );
        var metrics = (await File.ReadAllLinesAsync(_folder.File("run/journal.jsonl")))
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("metrics"))
            .ToList();
        // The reward of the corrected judgement and the penalty, on −1…1; the model that is trained begins as the one that answered.
        Assert.Equal(
            Answers("model", 24).Average(answer => (2 * Score(answer.Completion)) - 1.01),
            metrics.Average(line => line.GetProperty("reward").GetDouble()),
            0.05
        );
        Assert.Equal(1, metrics[0].GetProperty("ratio/mean").GetDouble(), 1e-3);
        // What was judged well has become likelier, and what was judged badly less so.
        var first = Answers("model", 24)
            .Where(answer => answer.Prompt == s_prompts[0])
            .Select(answer => answer.Completion)
            .OrderBy(Score)
            .ToList();
        foreach (var (answer, rises) in new[] { (first[0], false), (first[^1], true) })
        {
            var (before, after) = (await LikelihoodAsync("model", answer), await LikelihoodAsync("better", answer));
            Assert.Equal(answer.LogProbabilities.Sum(), before, 1e-2);
            Assert.True(
                rises ? after > before + 1 : after < before - 1,
                $"the likelihood of an answer of {Score(answer)} went from {before} to {after}"
            );
        }

        Assert.Equal(
            await File.ReadAllBytesAsync(_folder.File("better/model.safetensors")),
            await File.ReadAllBytesAsync(_folder.File("again/model.safetensors"))
        );
        Assert.Equal(0, again.ExitCode);
    }

    [Fact]
    public async Task Lines_of_ones_own_are_learned_from_and_what_nothing_compares_with_is_refused()
    {
        await LanguageModelFolder.CreateAsync(_folder.File("model"), ["the cat sat on the mat"]);
        string[] command = ["model", "rl", "--logged", "log.jsonl", "--model", "model", "--steps", "2", "--json"];
        const string First = """{"prompt_ids":[1,2],"token_ids":[3,4],"logprobs":[-1,-2],"reward":1,"group":"g"}""";

        var result = await OfAsync(
            First,
            """{"prompt_ids":[1,5],"token_ids":[6],"logprobs":[-1],"reward":0,"group":"g"}""",
            """{"prompt_ids":[1],"token_ids":[],"logprobs":[],"reward":1}""",
            $$"""{"prompt_ids":[{{string.Join(',', Enumerable.Repeat(1, 200))}}],"token_ids":[1],"logprobs":[-1],"reward":1}"""
        );
        var single = (await OfAsync(First, """{"prompt_ids":[1,5],"token_ids":[6],"logprobs":[-1],"reward":0}""")).Failed(2);
        var alike = (await OfAsync(First, First)).Failed(2);
        var wrong = (await OfAsync(First, """{"prompt":"the cat"}""")).Failed(2);
        var nothing = (await OfAsync("""{"prompt_ids":[1],"token_ids":[2],"logprobs":[-1,-2],"reward":1}""")).Failed(2);
        var impossible = (await OfAsync(First, """{"prompt_ids":[1,5],"token_ids":[6],"logprobs":[0.5],"reward":0,"group":"g"}""")).Failed(
            2
        );
        await File.WriteAllLinesAsync(
            _folder.File("log.jsonl"),
            [First, """{"prompt_ids":[1,5],"token_ids":[6],"logprobs":[-1],"reward":0}"""]
        );
        var byValues = await Lightning.RunAsync(_folder.Path, [.. command, "--method", "reinforce++"]);

        Assert.Equal(2, result.Json().GetProperty("logged").GetProperty("attempts").GetInt32());
        Assert.Contains(
            "1 longer than the context of 128 tokens, 1 with an empty prompt or answer",
            result.Error,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "no two of 2 attempts answer the same input with different rewards, so 'grpo' has nothing to compare. Take --method "
                + "reinforce++ or ppo",
            single,
            StringComparison.Ordinal
        );
        Assert.Contains("has nothing to compare", alike, StringComparison.Ordinal);
        Assert.Contains(
            "log.jsonl, line 2: no logged attempt: there must be 'prompt_ids' and 'token_ids'",
            wrong,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "nothing to learn from. Left out are: 1 without a log-probability for each token.",
            nothing,
            StringComparison.Ordinal
        );
        Assert.Contains("log-probabilities that are finite and at most 0", impossible, StringComparison.Ordinal);
        Assert.Equal(2, byValues.Json().GetProperty("logged").GetProperty("attempts").GetInt32());

        async Task<Outcome> OfAsync(params string[] lines)
        {
            await File.WriteAllLinesAsync(_folder.File("log.jsonl"), lines);
            return await Lightning.RunAsync(_folder.Path, command);
        }
    }

    private async Task<double> LikelihoodAsync(string model, Completion answer)
    {
        var scored = (
            await Lightning.RunAsync(
                _folder.Path,
                "model",
                "score",
                "--model",
                model,
                "--ids",
                string.Join(',', answer.PromptIds.Concat(answer.TokenIds)),
                "--json"
            )
        ).Json();
        return scored.GetProperty("logprobs").EnumerateArray().Skip(answer.PromptIds.Count).Sum(value => value.GetDouble());
    }

    /// <summary>Answers that a model draws to each prompt, always the same.</summary>
    private List<(string Prompt, Completion Completion)> Answers(string folder, int each)
    {
        using var compute = new Compute(2);
        using var model = HuggingFaceFolder.Load(_folder.File(folder), compute);
        var tokenizer = Tokenizer.Load(_folder.File(folder));
        using var generator = new Generator(model, compute, tokenizer, new GeneratorOptions { MaxBatch = 128, CacheTokens = 8192 });
        var answers = s_prompts
            .SelectMany(
                (prompt, i) =>
                    generator
                        .Add(tokenizer.Encode(prompt), new GenerationOptions { MaxTokens = 6, Seed = i + 1 }, each)
                        .Select(completion => (prompt, completion))
            )
            .ToList();
        generator.Run(CancellationToken.None);
        return answers;
    }

    /// <summary>The share of tokens in the first half of the vocabulary.</summary>
    private static double Score(Completion completion) =>
        double.Round(completion.TokenIds.Count(id => id < 150) / (double)completion.TokenIds.Count, 6);
}
