using AgentLightning.Common;
using AgentLightning.Models.Environments.Graders;
using AgentLightning.Models.Loops;
using AgentLightning.Models.Objectives.Sequences;
using AgentLightning.Training;

namespace AgentLightning.Engine.Learning;

/// <summary>How a language model learns, read from the hyper-parameters of a run.</summary>
internal sealed record LearningSettings
{
    /// <summary>The words of losses of pairs.</summary>
    private static readonly Dictionary<string, PreferenceKind> s_losses = new(StringComparer.Ordinal)
    {
        ["sigmoid"] = PreferenceKind.Sigmoid,
        ["robust"] = PreferenceKind.Robust,
        ["ipo"] = PreferenceKind.Ipo,
        ["hinge"] = PreferenceKind.Hinge,
        ["apo_zero"] = PreferenceKind.ApoZero,
    };

    public long Seed { get; private init; }

    /// <summary>Times through the rows; what <see cref="Steps"/> is counted from where it is null.</summary>
    public int Epochs { get; private init; }

    public int? Steps { get; private init; }

    /// <summary>Rows of an update, or tasks of a step.</summary>
    public int BatchSize { get; private init; }

    public float LearningRate { get; private init; }

    /// <summary>Whether the whole model learns, and not an adapter.</summary>
    public bool Full { get; private init; }

    public int Rank { get; private init; }

    public float Alpha { get; private init; }

    /// <summary>Most tokens of a row; longer ones are left out.</summary>
    public int MaxLength { get; private init; }

    public int TokensAtOnce { get; private init; }

    public bool LowMemory { get; private init; }

    /// <summary>Steps between checkpoints, beside those by time; 0 for none.</summary>
    public int SaveEvery { get; private init; }

    public int Threads { get; private init; }

    public LearnedTurns Learned { get; private init; }

    public float RewardTemperature { get; private init; }

    /// <summary>The worth of staying near the model as it was.</summary>
    public double Beta { get; private init; }

    public PreferenceKind Loss { get; private init; }

    public double Smoothing { get; private init; }

    public GraderChoice? Grader { get; private init; }

    public int Attempts { get; private init; }

    public int AnswerTokens { get; private init; }

    public float Temperature { get; private init; }

    public double EntropyBonus { get; private init; }

    public double? ClipHigh { get; private init; }

    /// <summary>Steps for so many rows.</summary>
    public int StepsFor(int rows) => Steps ?? Math.Max(1, Epochs * ((rows + BatchSize - 1) / BatchSize));

    /// <summary>Whether fresh answers are drawn and graded.</summary>
    public static bool Draws(TrainingMethod method) => method is TrainingMethod.Grpo or TrainingMethod.Ppo;

    /// <summary>Reads them, and says everything that is wrong with them.</summary>
    public static (LearningSettings Settings, IReadOnlyList<string> Mistakes) Read(
        TrainingMethod method,
        IReadOnlyDictionary<string, string> given
    )
    {
        var read = new ParameterReader(given);
        var full = read.Flag("full");
        var (draws, pairs) = (Draws(method), method is TrainingMethod.Dpo or TrainingMethod.Kto);
        var rank = read.Whole("lora_rank", 16, 1, 512);
        var settings = new LearningSettings
        {
            Seed = read.Seed(),
            Epochs = read.Whole("n_epochs", draws ? 10 : 3, 1, 10_000),
            Steps = read.Has("steps") ? read.Whole("steps", 1, 1, 1_000_000) : null,
            BatchSize = read.Whole("batch_size", draws ? 16 : 8, method == TrainingMethod.Kto ? 2 : 1, 4_096),
            LearningRate = (float)(
                read.Number("learning_rate", RateOf(method, full), 0, 1, above: true)
                * read.Number("learning_rate_multiplier", 1, 0, 1_000, above: true)
            ),
            Full = full,
            Rank = rank,
            Alpha = (float)read.Number("lora_alpha", 2 * rank, 0, 65_536, above: true),
            MaxLength = read.Whole("max_length", 2_048, 2, 1_048_576),
            TokensAtOnce = read.Whole("tokens_at_once", 2_048, 1, 1_048_576),
            LowMemory = read.Flag("low_memory"),
            SaveEvery = read.Whole("save_every", 0, 0, 1_000_000),
            Threads = read.Whole("threads", 0, 0, 1_024),
        };
        settings = method switch
        {
            TrainingMethod.Sft or TrainingMethod.RewardWeightedSft => settings with
            {
                Learned = read.Word("learn_from", "last", ["last", "all", "each"]) switch
                {
                    "all" => LearnedTurns.All,
                    "each" => LearnedTurns.Each,
                    _ => LearnedTurns.Last,
                },
                RewardTemperature =
                    method == TrainingMethod.RewardWeightedSft ? (float)read.Number("reward_temperature", 1, 0, 100, above: true) : 1,
            },
            TrainingMethod.Dpo => settings with
            {
                Beta = read.Number("beta", 0.1, 0, 100, above: true),
                Loss = s_losses[read.Word("loss", "sigmoid", s_losses.Keys)],
                Smoothing = read.Number("smoothing", 0.1, 0, 0.49),
            },
            TrainingMethod.Kto => settings with { Beta = read.Number("beta", 0.1, 0, 100, above: true) },
            _ => settings with
            {
                Beta = read.Number("beta", 0, 0, 100),
                Grader = ReadGrader(read),
                Attempts = read.Whole("attempts", 8, method == TrainingMethod.Grpo ? 2 : 1, 256),
                AnswerTokens = read.Whole("answer_tokens", 256, 1, 65_536),
                Temperature = (float)read.Number("temperature", 1, 0, 10, above: true),
                EntropyBonus = read.Number("entropy_bonus", 0, 0, 10),
                ClipHigh = read.Has("clip_high") ? read.Number("clip_high", 0.2, 0, 100) : null,
            },
        };
        return (settings, read.Mistakes(EnumText.Of(method)));
    }

    private static double RateOf(TrainingMethod method, bool full) =>
        (full ? 0.1 : 1)
        * method switch
        {
            TrainingMethod.Sft or TrainingMethod.RewardWeightedSft => 2e-4,
            TrainingMethod.Dpo or TrainingMethod.Kto => 1e-5,
            _ => 4e-5,
        };

    private static GraderChoice? ReadGrader(ParameterReader read)
    {
        if (read.Given("grader") is not { } text)
        {
            read.Add($"The hyper-parameter 'grader' is missing: it says how good a fresh answer is. {GraderChoice.Description}");
            return null;
        }

        try
        {
            return GraderChoice.Read(text);
        }
        catch (ArgumentException e)
        {
            read.Add($"The hyper-parameter 'grader' cannot be used: {e.Message} {GraderChoice.Description}");
            return null;
        }
    }
}
