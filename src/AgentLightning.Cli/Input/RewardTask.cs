using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Environments;
using AgentLightning.Models.Environments.Graders;
using AgentLightning.Models.Environments.Tools;
using AgentLightning.Models.Loops.Reinforcement;
using AgentLightning.Models.Tensors;
using AgentLightning.Models.Tokenizers;

namespace AgentLightning.Cli.Input;

/// <summary>
/// What a model learns by rewards, as a command names it: a task in the box, or a file that names questions and a grader.
/// </summary>
/// <param name="Config">Of the model that begins with random weights when none is given; null where one must be given.</param>
/// <param name="Options">What suits the task; a command changes what it is told to.</param>
internal sealed record RewardTask(
    string Name,
    IReadOnlyList<RolloutTask> Tasks,
    IReadOnlyList<RolloutTask> HeldOut,
    IEnvironment Environment,
    TransformerConfig? Config,
    ReinforcementOptions Options
)
{
    /// <summary>What <c>--task</c> takes, for its description.</summary>
    public const string Description =
        "reverse4, reverse4+1 to reverse4+9 (each digit raised by so much), or a JSON file with data and grader.";

    private const string BuiltIn = "reverse4";
    private static readonly string[] s_keys =
    [
        "data",
        "held_out",
        "held_out_share",
        "grader",
        "max_tokens",
        "stop",
        "right_reward",
        "tools",
        "max_turns",
    ];

    /// <param name="onAdapter">Whether an adapter on a given model learns, and not all of a model.</param>
    /// <param name="tokenizer">For questions; tasks in the box need none.</param>
    public static RewardTask Read(string name, ReinforcementMethod method, long seed, bool onAdapter, Func<Tokenizer> tokenizer)
    {
        if (
            name == BuiltIn
            || (
                name.Length == BuiltIn.Length + 2 && name.StartsWith(BuiltIn + "+", StringComparison.Ordinal) && char.IsAsciiDigit(name[^1])
            )
        )
        {
            var (tasks, heldOut) = ReverseDigits.Tasks(seed);
            var options = onAdapter
                ? ReverseDigitsOptions.FromAnotherShift(method, seed)
                : ReverseDigitsOptions.FromNothingLarger(method, seed);
            return new RewardTask(
                name,
                tasks,
                heldOut,
                new ReverseDigits(name == BuiltIn ? 0 : name[^1] - '0'),
                ReverseDigits.LargerConfig,
                options
            );
        }

        return File.Exists(name)
            ? FromFile(name, method, seed, tokenizer())
            : throw LightningException.Invalid($"There is no task '{name}', neither in the box nor as a file. --task takes {Description}");
    }

    private static RewardTask FromFile(string path, ReinforcementMethod method, long seed, Tokenizer tokenizer)
    {
        var json = AnswerTokens.Parse(TextFile.ReadAllText(path), path);
        var unknown =
            json.ValueKind != JsonValueKind.Object
                ? "nothing"
                : json.EnumerateObject().Select(property => property.Name).FirstOrDefault(key => !s_keys.Contains(key));
        if (unknown is not null || !json.TryGetProperty("grader", out var grader) || !json.TryGetProperty("data", out _))
        {
            throw LightningException.Invalid(
                $"{path}: a task is an object with 'data' and 'grader', and perhaps "
                    + $"{string.Join(", ", s_keys.Except(["data", "grader"]))}{(unknown is null ? "" : $"; it has {unknown}")}."
            );
        }

        IEnvironment environment = new QuestionEnvironment(new GraderReward(GraderReader.Read(grader)));
        var tools = json.TryGetProperty("tools", out var listed) ? ToolReader.Read(listed) : [];
        var conversation = tools.Count > 0 ? new ToolConversation(tokenizer) : null;
        var turns = json.TryGetProperty("max_turns", out var most) && most.TryGetInt32(out var given) ? given : new ToolOptions().MaxTurns;
        if (conversation is not null)
        {
            environment = new ToolEnvironment(tools, conversation, environment, new ToolOptions { MaxTurns = turns }, TimeProvider.System);
        }

        var prompts = new QuestionRows(tokenizer, messages => conversation?.Prompt(messages, tools));
        var tasks = prompts.Read(path, json.GetProperty("data"));
        var heldOut = json.TryGetProperty("held_out", out var held) ? prompts.Read(path, held) : [];
        if (heldOut.Count == 0)
        {
            var share = json.TryGetProperty("held_out_share", out var part) && part.TryGetDouble(out var value) ? value : 0.1;
            var count = share is >= 0 and <= 0.5
                ? (int)Math.Round(share * tasks.Count)
                : throw LightningException.Invalid($"{path}: 'held_out_share' must be a number from 0 to 0.5.");
            RolloutTask[] order = [.. tasks];
            new SeededRandom(seed, 4).Shuffle<RolloutTask>(order);
            (tasks, heldOut) = ([.. order[count..]], [.. order[..count]]);
        }

        var options = new ReinforcementOptions
        {
            Method = method,
            Seed = seed,
            Steps = 100,
            TasksPerStep = 16,
            Attempts = 8,
            LearningRate = 4e-5f,
            MaxTokens = json.TryGetProperty("max_tokens", out var longest) && longest.TryGetInt32(out var tokens) ? tokens : 256,
            MaxTurns = conversation is null ? 1 : turns,
            RightReward = json.TryGetProperty("right_reward", out var right) && right.TryGetDouble(out var reward) ? reward : 1,
            Stop =
                json.TryGetProperty("stop", out var stop) && stop.ValueKind == JsonValueKind.Array
                    ? [.. stop.EnumerateArray().Select(text => text.ToString())]
                    : [],
        };
        return new RewardTask(Path.GetFileName(path), tasks, heldOut, environment, null, options);
    }
}
