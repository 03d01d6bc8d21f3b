using System.Text.Json;
using AgentLightning.Datasets;
using AgentLightning.Evaluation;

namespace AgentLightning.Triage;

/// <summary>Lets policies of triage answer the rows of a classification with a category.</summary>
public sealed class TriageAnswerers(TriagePolicies policies) : IAnswererSource
{
    public async ValueTask<IAnswerer?> OpenAsync(
        string agentId,
        string model,
        string? artifact,
        DatasetKind kind,
        CancellationToken cancellationToken
    )
    {
        if (kind != DatasetKind.Classification || (artifact is null && model != RuleTriagePolicy.PolicyName))
        {
            return null;
        }

        return new Answerer(model, await policies.OpenAsync(model, artifact, cancellationToken).ConfigureAwait(false));
    }

    private sealed class Answerer(string model, ITriagePolicy policy) : IAnswerer
    {
        private readonly float[] _scores = new float[policy.Categories.Count];

        public string Model => model;

        public ValueTask<string> AnswerAsync(EvaluationItem item, CancellationToken cancellationToken) =>
            ValueTask.FromResult(policy.Categories[policy.Score(TaskOf(item.Input), _scores)]);

        public void Dispose() { }

        /// <summary>What triage captured is JSON; what another agent classifies is the text itself.</summary>
        private static FeedbackTask TaskOf(string input)
        {
            try
            {
                return input.StartsWith('{') ? FeedbackTask.FromJson(input) : new FeedbackTask(input);
            }
            catch (JsonException)
            {
                return new FeedbackTask(input);
            }
        }
    }
}
