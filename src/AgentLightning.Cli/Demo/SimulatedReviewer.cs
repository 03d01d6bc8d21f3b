using System.Text.Json;
using AgentLightning.Cli.Input;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Episodes;
using AgentLightning.Rewards;
using AgentLightning.Training;
using AgentLightning.Triage;

namespace AgentLightning.Cli.Demo;

/// <summary>
/// Plays the people who read the agent's answers: it knows the right ones, and tells only how good an answer was.
/// Only for held-out inputs, or when learning from labels, does it also say what would have been right.
/// </summary>
internal sealed class SimulatedReviewer(
    IReadOnlyDictionary<string, LabelledItem> items,
    DemoOptions options,
    EpisodeRecorder recorder,
    IRewardStore rewards,
    TimeProvider time
) : IRolloutEnvironment
{
    private const string Reviewer = "reviewer";

    /// <summary>Judges an answer: the reward and, if it may be told, the right answer.</summary>
    public Reward Judge(Episode episode, FeedbackTask task, FeedbackAnalysis analysis, string rewardId)
    {
        // By the key of the input as it came: the stored text may have lost a part of it.
        var item = items[episode.InputKey!];
        var reward = new Reward
        {
            Id = rewardId,
            EpisodeId = episode.Id,
            AgentId = episode.AgentId,
            Source = RewardSource.HumanApproval,
            Evaluator = Reviewer,
            Value = analysis.Category == item.Label ? 1 : -1,
            CreatedAt = time.GetUtcNow(),
            Correction = MayTell(episode.InputKey!) ? item.Label : null,
        };
        if (item.Severity is not { } severity)
        {
            return reward;
        }

        var right = analysis.Category == item.Label;
        var raw = TriageReward.Validated(task, analysis, new TriageValidation(item.Label, severity, OutcomeImproved: right));
        return reward with { Value = Math.Clamp((2 * raw) - 1, -1, 1), RawValue = raw, Scale = "0..1" };
    }

    /// <summary>Judges fresh answers of a policy in training; each is an episode with a reward, like any other.</summary>
    public async Task<IReadOnlyList<double>> TryAsync(
        string trainingRunId,
        int round,
        IReadOnlyList<RolloutAnswer> answers,
        CancellationToken cancellationToken
    )
    {
        var given = new List<Reward>(answers.Count);
        for (var i = 0; i < answers.Count; i++)
        {
            var started = time.GetTimestamp();
            var answer = answers[i];
            var task = FeedbackTask.FromJson(answer.Input);
            var analysis = AnalysisWriter.Write(task, answer.Action, Math.Exp(answer.LogProbability), "tried in training");
            var episode = new Episode
            {
                Id = $"demo-train-{round:000}-{i:000000}",
                AgentId = TriageAgent.DefaultAgentId,
                TrainingRunId = trainingRunId,
                ModelDeployment = "in training",
                UserInput = answer.Input,
                AssistantOutput = JsonSerializer.Serialize(analysis, LightningJson.Options),
                InputKey = answer.Key,
                Action = answer.Action,
                ActionLogProbability = answer.LogProbability,
                RequestLatencyMs = time.GetElapsedTime(started).TotalMilliseconds,
                CreatedAt = time.GetUtcNow(),
            };
            await recorder.RecordAsync(episode, cancellationToken);
            given.Add(Judge(episode, task, analysis, $"demo-train-reward-{round:000}-{i:000000}"));
        }

        await recorder.FlushAsync(cancellationToken);
        await rewards.AddAsync(given, cancellationToken);
        return given.ConvertAll(reward => reward.Value);
    }

    private bool MayTell(string key) =>
        options.Method == TrainingMethod.Supervised
        || DatasetReader.SideOf(key, options.Seed, DemoRunner.HeldOutShare) == DatasetSide.Validation;
}
