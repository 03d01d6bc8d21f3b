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
        var kinds = new SortedDictionary<string, (int Right, int Found, int Wanted)>(StringComparer.Ordinal);
        foreach (var line in Corpus.Lines)
        {
            var redacted = redactor.Redact(line.Text);
            var expected = Corpus.SpansOf(line.Text, line.Expected);
            var actual = Corpus.SpansOf(line.Text, redacted);
            right += actual.Intersect(expected).Count();
            found += actual.Count;
            wanted += expected.Count;
            foreach (var kind in expected.Concat(actual).Select(span => span.Placeholder).Distinct())
            {
                var known = kinds.GetValueOrDefault(kind);
                kinds[kind] = (
                    known.Right + actual.Intersect(expected).Count(span => span.Placeholder == kind),
                    known.Found + actual.Count(span => span.Placeholder == kind),
                    known.Wanted + expected.Count(span => span.Placeholder == kind)
                );
            }

            if (redacted != line.Expected)
            {
                output.WriteLine($"text     {line.Text}\nexpected {line.Expected}\nbut was  {redacted}\n");
            }
        }

        output.WriteLine(
            $"{Corpus.Lines.Count} lines, {wanted} spans: precision {(double)right / found:0.0000}, recall {(double)right / wanted:0.0000}"
        );
        Assert.True((double)right / found >= LowestPrecision, "precision is too low; the output of this test lists the lines");
        Assert.Equal(Enum.GetNames<FindingKind>().Select(kind => $"[{kind.ToUpperInvariant()}]").Order(StringComparer.Ordinal), kinds.Keys);
        // Of each kind for itself: all of one could be lost among the others.
        foreach (var (kind, count) in kinds)
        {
            output.WriteLine($"{kind}: {count.Right} right of {count.Found} found and {count.Wanted} there");
        }

        Assert.All(kinds, kind =>
        {
            Assert.True(kind.Value.Wanted >= 5, $"the corpus has only {kind.Value.Wanted} of {kind.Key}");
            Assert.True(
                (double)kind.Value.Right / kind.Value.Wanted >= LowestRecall,
                $"{kind.Value.Right} of {kind.Value.Wanted} {kind.Key} found"
            );
        });
    }
}
