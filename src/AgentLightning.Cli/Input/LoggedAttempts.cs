using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Models.Environments;
using AgentLightning.Models.Generation;
using AgentLightning.Rewards;

namespace AgentLightning.Cli.Input;

/// <summary>
/// Attempts that were made before, from JSON lines: episodes and rewards as <c>lightning episodes export</c> writes them, or
/// <c>{"prompt_ids", "token_ids", "logprobs", "reward", "group"}</c>. Those that answer the same input, or have the same group, are
/// compared. What cannot be learned from is left out and counted.
/// </summary>
internal sealed class LoggedAttempts
{
    private readonly List<Episode> _episodes = [];
    private readonly Dictionary<string, List<RewardInput>> _rewards = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _groups = new(StringComparer.Ordinal),
        _numbers = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int> _leftOut = new(StringComparer.Ordinal);
    private readonly List<Attempt> _attempts = [];

    private LoggedAttempts() { }

    public IReadOnlyList<Attempt> Attempts => _attempts;

    /// <summary>Why attempts were left out, and how many for each reason.</summary>
    public IReadOnlyDictionary<string, int> LeftOut => _leftOut;

    /// <param name="context">Most tokens of an attempt.</param>
    public static LoggedAttempts Read(string path, int context)
    {
        if (!File.Exists(path))
        {
            throw LightningException.Invalid(
                $"There is no file '{path}'. --logged takes what 'lightning episodes export' writes, or JSON lines with prompt_ids, "
                    + $"token_ids, logprobs and reward."
            );
        }

        var logged = new LoggedAttempts();
        foreach (
            var (line, number) in TextFile
                .ReadLines(path)
                .Select((line, index) => (line, index + 1))
                .Where(row => !string.IsNullOrWhiteSpace(row.line))
        )
        {
            logged.Take(line, $"{path}, line {number}", context);
        }

        foreach (var episode in logged._episodes)
        {
            logged.Take(episode, context);
        }

        return logged._attempts.Count > 0
            ? logged
            : throw LightningException.Invalid(
                $"{path}: there is nothing to learn from. "
                    + (logged._leftOut.Count == 0 ? "It holds no attempts." : $"Left out are: {logged.Describe()}.")
            );
    }

    /// <summary>What was left out, in words; empty when nothing was.</summary>
    public string Describe() => string.Join(", ", _leftOut.Select(reason => $"{reason.Value} {reason.Key}"));

    private void Take(string line, string where, int context)
    {
        var row = AnswerTokens.Parse(line, where);
        try
        {
            switch (row.ValueKind == JsonValueKind.Object && row.TryGetProperty("type", out var type) ? type.ToString() : "")
            {
                case "episode":
                    _episodes.Add(row.Deserialize<Episode>(LightningJson.Options)!);
                    break;
                case "reward":
                    var reward = row.Deserialize<RewardInput>(LightningJson.Options)!;
                    _rewards.TryAdd(reward.EpisodeId ?? "", []);
                    _rewards[reward.EpisodeId ?? ""].Add(reward);
                    break;
                default:
                    var plain = row.Deserialize<PlainAttempt>(LightningJson.Options)!;
                    if (plain.PromptIds is null || plain.TokenIds is null)
                    {
                        throw new JsonException("there must be 'prompt_ids' and 'token_ids', or a 'type', episode or reward");
                    }

                    var group = plain.Group is { ValueKind: not (JsonValueKind.Null or JsonValueKind.Undefined) } given
                        ? given.ToString()
                        : string.Join(' ', plain.PromptIds);
                    Add(group, plain.PromptIds, plain.TokenIds, plain.LogProbabilities, plain.Reward, "", context);
                    break;
            }
        }
        catch (JsonException e)
        {
            throw LightningException.Invalid($"{where}: no logged attempt: {e.Message}");
        }
    }

    private void Take(Episode episode, int context)
    {
        if (episode.Internal || episode.Status != EpisodeStatus.Succeeded)
        {
            Leave(episode.Internal ? "of our own" : "that did not succeed");
            return;
        }

        var tokens = episode.Tokens;
        Add(
            episode.InputKey ?? episode.UserInput,
            tokens?.PromptIds,
            tokens?.CompletionIds,
            tokens?.CompletionLogProbabilities,
            RewardOf(episode.Id),
            episode.AssistantOutput,
            context
        );
    }

    private void Add(
        string group,
        IReadOnlyList<int>? prompt,
        IReadOnlyList<int>? ids,
        IReadOnlyList<double>? logProbabilities,
        double? reward,
        string text,
        int context
    )
    {
        var reason =
            prompt is null || ids is null ? "without token ids"
            : prompt.Count == 0 || ids.Count == 0 ? "with an empty prompt or answer"
            : logProbabilities is null || logProbabilities.Count != ids.Count ? "without a log-probability for each token"
            : reward is null ? "without a reward"
            : prompt.Count + ids.Count > context ? $"longer than the context of {context} tokens"
            : null;
        if (reason is not null)
        {
            Leave(reason);
            return;
        }

        if (_groups.TryAdd(group, _groups.Count))
        {
            _numbers[group] = 0;
        }

        var attempt = new Attempt(new RolloutTask(group, [.. prompt!]), _groups[group], _numbers[group]++);
        attempt.AddTurn(ids!, [.. logProbabilities!.Select(log => (float)log)], text, FinishReason.Stop);
        attempt.Take(Turn.Last(reward!.Value));
        _attempts.Add(attempt);
    }

    private void Leave(string reason) => _leftOut[reason] = _leftOut.GetValueOrDefault(reason) + 1;

    /// <summary>
    /// As data sets have it: the mean of the rewards that count and the sum of the penalties, kept within −1…1. A later one of the same
    /// source and evaluator counts instead of an earlier.
    /// </summary>
    private double? RewardOf(string episode)
    {
        if (!_rewards.TryGetValue(episode, out var given))
        {
            return null;
        }

        List<(RewardSource Source, double Value)> current =
        [
            .. given
                .Select(reward => (Reward: reward, Request: reward.ToRequest()))
                .GroupBy(reward => (reward.Request.Source, reward.Reward.Evaluator ?? ""))
                .Select(same => same.Last())
                .Select(reward =>
                    (
                        reward.Request.Source,
                        reward.Request.Scale?.ToCanonical(reward.Request.Value) ?? Reward.CheckValue(reward.Request.Value)
                    )
                ),
        ];
        if (current.Exists(reward => reward.Source.IsJudgement()))
        {
            current.RemoveAll(reward => reward.Source == RewardSource.ImplicitSignals);
        }

        var (penalties, quality) = (
            current.Where(IsPenalty).Select(reward => reward.Value).ToList(),
            current.Where(reward => !IsPenalty(reward)).Select(reward => reward.Value).ToList()
        );
        return Math.Clamp((quality.Count > 0 ? quality.Average() : 0) + penalties.Sum(), -1, 1);

        static bool IsPenalty((RewardSource Source, double Value) reward) =>
            reward.Source is RewardSource.CostPenalty or RewardSource.LatencyPenalty;
    }

    /// <summary>An attempt on a line of its own, in the words of <c>model generate --json</c>.</summary>
    private sealed record PlainAttempt(
        IReadOnlyList<int>? PromptIds,
        IReadOnlyList<int>? TokenIds,
        [property: System.Text.Json.Serialization.JsonPropertyName("logprobs")] IReadOnlyList<double>? LogProbabilities,
        double? Reward,
        JsonElement? Group
    );
}
