using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Models.Checkpoints;
using AgentLightning.Models.Environments;
using AgentLightning.Models.Loops;
using AgentLightning.Models.Loops.Preferences;
using AgentLightning.Models.Tokenizers;
using AgentLightning.Training;

namespace AgentLightning.Engine.Learning;

/// <summary>What a run learns from, as tokens: one of the four lists is not empty.</summary>
internal sealed record LearningData(Tokenizer Tokenizer, string Summary)
{
    public IReadOnlyList<TokenExample> Examples { get; private init; } = [];

    public IReadOnlyList<PreferencePair> Pairs { get; private init; } = [];

    public IReadOnlyList<LabelledAnswer> Answers { get; private init; } = [];

    public IReadOnlyList<RolloutTask> Tasks { get; private init; } = [];

    public int Count => Examples.Count + Pairs.Count + Answers.Count + Tasks.Count;

    /// <exception cref="LightningException">There is nothing to learn from; the message says why.</exception>
    public static async Task<LearningData> ReadAsync(
        TrainingJob job,
        BaseModel model,
        LearningSettings settings,
        CancellationToken cancellationToken
    )
    {
        var tokenizer = model.LoadTokenizer();
        var config = HuggingFaceConfig.Read(Path.Combine(model.Folder, "config.json"));
        var length = Math.Min(config.MaxPositions, settings.MaxLength);
        var tokens = new RowTokens(tokenizer, length);
        var rows = job.Rows ?? throw LightningException.Invalid($"Data set {job.Run.DatasetId} holds no rows for a language model.");
        var data = new LearningData(tokenizer, "");
        data = (job.Run.Method, rows.Dataset.Kind) switch
        {
            (TrainingMethod.Sft or TrainingMethod.RewardWeightedSft, _) => data with
            {
                Examples = Weighted(
                    tokens.Examples(await rows.ReadAsync<ChatRow>(cancellationToken).ConfigureAwait(false), settings.Learned),
                    job.Run.Method,
                    settings
                ),
            },
            (TrainingMethod.Dpo, _) => data with
            {
                Pairs = tokens.Pairs(await rows.ReadAsync<PreferenceRow>(cancellationToken).ConfigureAwait(false)),
            },
            (TrainingMethod.Kto, DatasetKind.Chat) => data with
            {
                Answers = tokens.Answers(await rows.ReadAsync<ChatRow>(cancellationToken).ConfigureAwait(false)),
            },
            (TrainingMethod.Kto, _) => data with
            {
                Answers = tokens.Answers(await rows.ReadAsync<PromptRow>(cancellationToken).ConfigureAwait(false)),
            },
            _ => data with
            {
                Tasks = tokens.Tasks(
                    await rows.ReadAsync<PromptRow>(cancellationToken).ConfigureAwait(false),
                    settings.AnswerTokens,
                    settings.Grader!.NeedsExpected
                ),
            },
        };
        var leftOut =
            $"{tokens.TooLong} rows were left out because they have more than {length} tokens (max_length), and "
            + $"{tokens.Unusable} because nothing can be learned from them: they have no reward, no answer, or no right answer to grade "
            + "by.";
        return data.Count > 0
            ? data with
            {
                Summary =
                    tokens.TooLong + tokens.Unusable == 0
                        ? $"Learns from {data.Count} rows of data set {rows.Dataset.Id}."
                        : $"Learns from {data.Count} rows of data set {rows.Dataset.Id}; {leftOut}",
            }
            : throw LightningException.Conflict($"There is nothing to learn from in data set {rows.Dataset.Id}: {leftOut}");
    }

    private static IReadOnlyList<TokenExample> Weighted(
        IReadOnlyList<TokenExample> examples,
        TrainingMethod method,
        LearningSettings settings
    ) => method == TrainingMethod.RewardWeightedSft ? RewardWeights.Apply(examples, settings.RewardTemperature) : examples;
}
