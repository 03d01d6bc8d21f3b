using System.Text.Json;
using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Governance;

namespace AgentLightning.Triage;

/// <summary>How a piece of feedback is answered.</summary>
/// <param name="AgentId">Whose active policy answers; the usual agent of the scope by default.</param>
/// <param name="EpisodeId">A client's own id for the episode; null for one of ours.</param>
/// <param name="Durable">Whether to answer only when the episode is on disk, or known to be lost.</param>
/// <param name="Exploration">Chance, 0…1, of a random category instead of the most likely one; what is never tried is never
/// learned.</param>
public sealed record TriageCall(
    string? AgentId = null,
    string? EpisodeId = null,
    string? SessionId = null,
    double Exploration = 0,
    bool Durable = false
);

/// <summary>An analysis and the episode it was captured as.</summary>
/// <param name="Captured">False when the episode was lost, which never fails the answer; with a durable call, true means that it is on
/// disk.</param>
public sealed record TriageResult(string EpisodeId, FeedbackAnalysis Analysis, Episode Episode, bool Captured);

/// <summary>Feedback in, structured analysis out; every call is captured as an episode with its true latency.</summary>
public sealed class TriageFeedback(TriagePolicies policies, EpisodeRecorder recorder, Redactor redactor, TimeProvider time) : IOperation
{
    /// <summary>
    /// Answers with the active policy of the agent. Asks for the role write. Names that hold a secret are <see cref="ErrorKind.Invalid"/>.
    /// An episode id that another agent's episode has too stays this agent's own: a reward for the answer lands on this episode.
    /// </summary>
    /// <param name="random">Chooses what is explored; the same seed gives the same choices.</param>
    public async Task<TriageResult> ExecuteAsync(
        Scope scope,
        FeedbackTask task,
        TriageCall call,
        Random random,
        CancellationToken cancellationToken
    )
    {
        scope.Require(Role.Write);
        redactor.CheckName(call.EpisodeId, "episode_id");
        redactor.CheckName(call.AgentId, "agent_id");
        var agentId = scope.Agent(call.AgentId, Scope.DefaultAgent);
        var started = time.GetTimestamp();
        var checkedTask = task.Checked();
        var serving = await policies.ActiveAsync(agentId, call.SessionId, cancellationToken).ConfigureAwait(false);
        var result = Answer(checkedTask, serving, agentId, call, random, started);
        if (!call.Durable)
        {
            return result with { Captured = await recorder.RecordAsync(result.Episode, cancellationToken).ConfigureAwait(false) };
        }

        try
        {
            // Under the id that it lies by: where another agent's episode has the one that was given, a reward must not go to that.
            var added = await recorder.StoreAsync(result.Episode, cancellationToken).ConfigureAwait(false);
            return result with
            {
                EpisodeId = EpisodeIds.Shown(scope, added.Id, agentId),
                Episode = result.Episode with { Id = added.Id },
                Captured = true,
            };
        }
        catch (LightningException)
        {
            return result;
        }
    }

    private TriageResult Answer(FeedbackTask task, ServingPolicy serving, string agentId, TriageCall call, Random random, long started)
    {
        var policy = serving.Policy;
        var categories = policy.Categories.Count;
        var scores = new float[categories];
        var best = policy.Score(task, scores);
        var choice = call.Exploration > 0 && random.NextDouble() < call.Exploration ? random.Next(categories) : best;
        var analysis = Redacted(
            task,
            AnalysisWriter.Write(task, policy.Categories[choice], Math.Exp(scores[choice]), policy.Explain(task, choice)),
            agentId
        );
        var chance = (choice == best ? 1 - call.Exploration : 0) + (call.Exploration / categories);
        var now = time.GetUtcNow();
        var id = call.EpisodeId is null ? Ids.New(now) : Ids.CheckAddressable(call.EpisodeId, "episode_id");
        var episode = new Episode
        {
            Id = id,
            AgentId = Ids.Check(agentId, "agent_id"),
            SessionId = Ids.CheckName(call.SessionId, "session_id"),
            UserInput = task.ToJson(),
            AssistantOutput = JsonSerializer.Serialize(analysis, LightningJson.Options),
            Action = analysis.Category,
            ActionLogProbability = Math.Log(chance),
            InputKey = task.Key,
            ModelDeployment = serving.Deployment?.TunedModelName ?? policy.Name,
            DeploymentId = serving.Deployment?.Id,
            RequestLatencyMs = time.GetElapsedTime(started).TotalMilliseconds,
            CreatedAt = now,
        };
        return new TriageResult(id, analysis, episode, Captured: false);
    }

    /// <summary>
    /// An answer quotes the feedback and goes into tickets and logs. Together with the feedback, because a quotation may be cut in the
    /// middle of a secret.
    /// </summary>
    private FeedbackAnalysis Redacted(FeedbackTask task, FeedbackAnalysis analysis, string agentId)
    {
        var texts = redactor.RedactRecord([task.Title, task.Comment, task.Page, analysis.Action, analysis.Reasoning], agentId).Texts;
        return analysis with { Action = texts[^2]!, Reasoning = texts[^1]! };
    }
}
