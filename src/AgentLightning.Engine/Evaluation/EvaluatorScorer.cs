using AgentLightning.Datasets;
using AgentLightning.Evaluation;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.AI.Evaluation;

namespace AgentLightning.Engine.Evaluation;

/// <summary>
/// An evaluator of Microsoft.Extensions.AI.Evaluation as a scorer: a truth is 1 or 0, and a number of a scale 1…5, as these evaluators
/// give, is brought to 0…1.
/// </summary>
/// <param name="evaluator">Judges an answer.</param>
/// <param name="metric">Which of its metrics; its only one where this is null.</param>
/// <param name="configuration">The model that judges, for an evaluator that asks one.</param>
public sealed class EvaluatorScorer(IEvaluator evaluator, string? metric = null, ChatConfiguration? configuration = null) : IScorer
{
    public string Name { get; } = metric ?? evaluator.EvaluationMetricNames.Single();

    public bool NeedsExpected => false;

    public async ValueTask<double> ScoreAsync(EvaluationItem item, string answer, CancellationToken cancellationToken)
    {
        var result = await evaluator
            .EvaluateAsync(
                item.Messages.Select(Of),
                new ChatResponse(new ChatMessage(ChatRole.Assistant, answer)),
                configuration,
                cancellationToken: cancellationToken
            )
            .ConfigureAwait(false);
        return (result.Metrics.TryGetValue(Name, out var value) ? value : null) switch
        {
            BooleanMetric { Value: { } truth } => truth ? 1 : 0,
            NumericMetric { Value: { } number } => Math.Clamp((number - 1) / 4, 0, 1),
            _ => double.NaN,
        };

        static ChatMessage Of(DatasetMessage message) => new(new ChatRole(message.Role), message.Content ?? "");
    }
}
