namespace AgentLightning.Models.Environments.Graders;

/// <summary>How alike two texts are, 0…1.</summary>
/// <param name="metric">One of <see cref="Metrics"/>.</param>
internal sealed class TextSimilarityGrader(GraderTemplate input, GraderTemplate reference, string metric) : IGrader
{
    public static readonly string[] Metrics =
    [
        "fuzzy_match",
        "bleu",
        "gleu",
        "rouge_1",
        "rouge_2",
        "rouge_3",
        "rouge_4",
        "rouge_5",
        "rouge_l",
    ];

    public ValueTask<double> GradeAsync(GraderInput graded, CancellationToken cancellationToken)
    {
        var (text, other) = (input.Fill(graded), reference.Fill(graded));
        return ValueTask.FromResult(
            metric switch
            {
                "fuzzy_match" => TextSimilarity.Fuzzy(text, other),
                "bleu" => TextSimilarity.Bleu(text, other),
                "gleu" => TextSimilarity.Gleu(text, other),
                "rouge_l" => TextSimilarity.RougeL(text, other),
                _ => TextSimilarity.Rouge(text, other, metric[^1] - '0'),
            }
        );
    }
}
