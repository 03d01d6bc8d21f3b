using System.Text.Json;
using System.Text.Json.Nodes;
using AgentLightning.Common;
using AgentLightning.Evaluation;
using AgentLightning.Models.Environments.Graders;

namespace AgentLightning.Engine.Evaluation;

/// <summary>
/// Makes the graders of training environments into scorers, so that what a model was trained on by reward is also what it is judged by. A
/// grader finds of an item <c>reference_answer</c>, <c>input</c>, <c>key</c> and <c>slice</c>.
/// </summary>
public sealed class GraderScorers : IScorerSource
{
    public IScorer? Read(JsonElement grader)
    {
        try
        {
            return new GraderScorer(
                GraderReader.Read(grader),
                NameOf(grader),
                grader.GetRawText().Contains("reference_answer", StringComparison.Ordinal)
            );
        }
        catch (ArgumentException e)
        {
            throw LightningException.Invalid(e.Message);
        }
    }

    private static string NameOf(JsonElement grader) =>
        grader.TryGetProperty("name", out var name) && name.ValueKind == JsonValueKind.String
            ? Ids.CheckName(name.GetString(), "grader.name")!
            : $"grader_{grader.GetProperty("type").GetString()}";

    private sealed class GraderScorer(IGrader grader, string name, bool needsExpected) : IScorer
    {
        public string Name => name;

        public bool NeedsExpected => needsExpected;

        public async ValueTask<double> ScoreAsync(EvaluationItem item, string answer, CancellationToken cancellationToken)
        {
            var known = new JsonObject
            {
                ["reference_answer"] = item.Expected,
                ["input"] = item.Input,
                ["key"] = item.Key,
                ["slice"] = item.Slice,
            };
            try
            {
                return await grader
                    .GradeAsync(new GraderInput(answer, JsonSerializer.SerializeToElement(known)), cancellationToken)
                    .ConfigureAwait(false);
            }
            catch (InvalidDataException e) when (!e.Message.Contains("item.", StringComparison.Ordinal))
            {
                // An answer that is not of the form that is graded is a wrong one.
                return 0;
            }
            catch (InvalidDataException e)
            {
                throw LightningException.Invalid(
                    $"The grader '{name}' cannot grade the item {item.Key}: {e.Message} Of an item there are reference_answer, input, key "
                        + "and slice."
                );
            }
        }
    }
}
