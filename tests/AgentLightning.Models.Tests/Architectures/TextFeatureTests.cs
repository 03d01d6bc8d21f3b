using AgentLightning.Models.Architectures;
using AgentLightning.Models.Tensors;
using AgentLightning.Models.Tokenizers;

namespace AgentLightning.Models.Tests;

public sealed class TextFeatureTests
{
    [Theory]
    [InlineData("Error  1234 at\tline 56", "error 0 at line 0 ")]
    [InlineData("See https://example.com/a?b=1 now", "see urlurl now ")]
    [InlineData("before\n```js\nlet x = 1\n```\nafter", "before codecode after ")]
    [InlineData("a<!-- fill in\nthis part -->b", "ab ")]
    [InlineData("ÄÖÜ 日本 ١٢٣", "äöü 日本 0 ")]
    [InlineData("", "")]
    public void Text_is_brought_into_one_form(string text, string clean)
    {
        var cleaner = new TextCleaner();

        cleaner.Clean(text, 1_000, 100);

        Assert.Equal(clean, cleaner.Text.ToString());
    }

    [Theory]
    [InlineData(3, 4, "63d5f6922eae45a8")]
    [InlineData(1, 2, "8638fb4befb09d1b")]
    [InlineData(2, 8, "7fd6c7cf344b5c92")]
    [InlineData(5, 5, "e1f5ede580826234")]
    public void Features_stay_what_they_are_because_models_are_stored_with_them(int shortest, int longest, string expected)
    {
        var hasher = new NGramHasher(
            new NGramOptions
            {
                BucketBits = 12,
                CharMin = shortest,
                CharMax = longest,
            }
        );
        var random = new Random(1);
        using var hash = System.Security.Cryptography.IncrementalHash.CreateHash(System.Security.Cryptography.HashAlgorithmName.SHA256);
        foreach (var length in Enumerable.Range(0, 70).Concat([100, 1000, 2500]))
        {
            string Text(int characters) =>
                string.Concat(Enumerable.Range(0, characters).Select(_ => "etaoin shrdlu 12?!é漢`\n"[random.Next(22)]));
            hasher.Extract(new TextInput(Text(random.Next(12)), Text(length)));
            hash.AppendData(System.Runtime.InteropServices.MemoryMarshal.AsBytes(hasher.Buckets));
            hash.AppendData(System.Runtime.InteropServices.MemoryMarshal.AsBytes(hasher.Counts));
        }

        Assert.Equal(expected, Convert.ToHexStringLower(hash.GetHashAndReset())[..16]);
    }

    [Fact]
    public void What_was_pasted_is_set_aside_and_counted()
    {
        var cleaner = new TextCleaner();

        cleaner.Clean("# Steps\nrun it\n```\nstack trace here\n```\n<!-- a comment that never ends\n## Not a heading", 1_000, 1_000);

        Assert.Equal("steps run it codecode ", cleaner.Text.ToString().Replace("# ", "", StringComparison.Ordinal));
        Assert.Contains("stack trace here", cleaner.Aside.ToString(), StringComparison.Ordinal);
        Assert.Contains("never ends", cleaner.Aside.ToString(), StringComparison.Ordinal);
        Assert.Equal(1, cleaner.CodeBlocks);
    }

    [Fact]
    public void One_text_gives_one_set_of_features_whatever_was_read_before()
    {
        var hasher = new NGramHasher(new NGramOptions());
        hasher.Extract(new TextInput("A title", "some body with words", ["type=bug"]));
        var (buckets, counts) = (hasher.Buckets.ToArray(), hasher.Counts.ToArray());

        hasher.Extract(new TextInput("Other", new string('x', 50_000)));
        hasher.Extract(new TextInput("A title", "some body with words", ["type=bug"]));

        Assert.Equal(buckets, hasher.Buckets.ToArray());
        Assert.Equal(counts, hasher.Counts.ToArray());
    }

    [Fact]
    public void The_same_words_in_title_and_body_are_different_features()
    {
        var hasher = new NGramHasher(new NGramOptions());
        hasher.Extract(new TextInput("crash on start", ""));
        var title = hasher.Buckets[hasher.RangeOf(FeatureGroup.TitleWords)].ToArray();
        hasher.Extract(new TextInput("", "crash on start"));
        var body = hasher.Buckets[hasher.RangeOf(FeatureGroup.BodyWords)].ToArray();

        Assert.Equal(title.Length, body.Length);
        Assert.Empty(title.Intersect(body));
    }

    [Fact]
    public void Any_text_can_be_read_and_a_long_one_costs_no_more_than_its_limit()
    {
        var options = new NGramOptions();
        var hasher = new NGramHasher(options);
        var random = new SeededRandom(11);
        string[] pieces =
        [
            "```",
            "<!--",
            "-->",
            "#",
            "\n",
            "http://",
            "https://x",
            "0",
            "١",
            "\ud83d",
            "🙂",
            "\0",
            " ",
            "'",
            "?",
            "!",
            "Ab",
            "ß",
            "漢",
            "~~~",
            "]",
            ":",
        ];
        for (var trial = 0; trial < 3_000; trial++)
        {
            string Piece() => string.Concat(Enumerable.Range(0, random.NextInt(60)).Select(_ => pieces[random.NextInt(pieces.Length)]));
            hasher.Extract(new TextInput(Piece(), Piece(), random.NextInt(2) == 0 ? [Piece()] : null));
            Assert.Equal(hasher.Buckets.Length, hasher.Counts.Length);
        }

        hasher.Extract(
            new TextInput(
                "",
                string.Concat(Enumerable.Range(0, 50_000).Select(i => $"word{(char)('a' + (i % 26))}{(char)('a' + (i / 26 % 26))} "))
            )
        );
        Assert.InRange(hasher.Counts.ToArray().Sum(), 1, 8 * options.MaxCharacters);
    }

    [Theory]
    [InlineData(9, 2, 3, 4, "BucketBits")]
    [InlineData(18, 5, 3, 4, "WordNGrams")]
    [InlineData(18, 2, 3, 2, "CharMax")]
    public void Options_out_of_range_are_named(int bits, int words, int charMin, int charMax, string name)
    {
        var error = Assert.Throws<ArgumentOutOfRangeException>(() =>
            new NGramHasher(
                new NGramOptions
                {
                    BucketBits = bits,
                    WordNGrams = words,
                    CharMin = charMin,
                    CharMax = charMax,
                }
            )
        );

        Assert.Equal(name, error.ParamName);
    }
}
