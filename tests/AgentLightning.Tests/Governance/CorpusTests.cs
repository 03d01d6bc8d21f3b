using AgentLightning.Governance;

namespace AgentLightning.Tests.Governance;

public sealed class CorpusTests(ITestOutputHelper output)
{
    private const double LowestPrecision = 0.97;
    private const double LowestRecall = 0.97;

    [Fact]
    public void The_corpus_is_large_and_much_of_it_must_survive()
    {
        var clean = Corpus.Lines.Count(line => line.Text == line.Expected);

        Assert.InRange(Corpus.Lines.Count, 400, int.MaxValue);
        Assert.InRange((double)clean / Corpus.Lines.Count, 0.4, 0.7);
        Assert.Equal(Corpus.Lines.Count, Corpus.Lines.Select(line => line.Text).Distinct().Count());
    }

    [Fact]
    public void Secrets_and_personal_data_are_found_and_little_else()
    {
        var redactor = new Redactor(new RedactionOptions());
        var (right, found, wanted) = (0, 0, 0);
        foreach (var line in Corpus.Lines)
        {
            var redacted = redactor.Redact(line.Text);
            var expected = Corpus.SpansOf(line.Text, line.Expected);
            var actual = Corpus.SpansOf(line.Text, redacted);
            right += actual.Intersect(expected).Count();
            found += actual.Count;
            wanted += expected.Count;
            if (redacted != line.Expected)
            {
                output.WriteLine($"text     {line.Text}\nexpected {line.Expected}\nbut was  {redacted}\n");
            }
        }

        var (precision, recall) = ((double)right / found, (double)right / wanted);
        output.WriteLine($"{Corpus.Lines.Count} lines, {wanted} spans: precision {precision:0.0000}, recall {recall:0.0000}");
        Assert.True(
            precision >= LowestPrecision && recall >= LowestRecall,
            $"precision {precision:0.0000}, recall {recall:0.0000}; the output of this test lists the lines"
        );
    }
}
