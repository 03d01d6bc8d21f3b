using System.Text;
using AgentLightning.Models.Tokenizers;
using AgentLightning.Models.Tokenizers.Bpe;
using AgentLightning.Models.Tokenizers.Normalization;
using AgentLightning.Models.Tokenizers.Pieces;

namespace AgentLightning.Models.Tests;

public sealed class TokenizerFixtureTests
{
    public static TheoryData<string> Families => [.. TokenizerFixtures.Families];

    [Theory]
    [MemberData(nameof(Families))]
    public void Ids_and_texts_are_those_of_another_implementation(string family)
    {
        var tokenizer = TokenizerFixtures.Load(family);
        var cases = TokenizerFixtures.Cases(family).ToList();
        Assert.NotEmpty(cases);
        Assert.All(cases, one =>
        {
            Assert.Equal(one.Ids, tokenizer.Encode(one.Text));
            Assert.Equal(one.Plain, tokenizer.Encode(one.Text, addSpecialTokens: false));
            Assert.Equal(one.Decoded, tokenizer.Decode(one.Ids, skipSpecial: false));
            Assert.Equal(one.Clean, tokenizer.Decode(one.Ids));
        });
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama3")]
    [InlineData("digits")]
    [InlineData("qwen2")]
    public void Byte_level_text_comes_back_as_it_was(string family)
    {
        var tokenizer = TokenizerFixtures.Load(family);
        var random = new Random(5);
        for (var i = 0; i < 2_000; i++)
        {
            // The tokens of "digits" take white space along, which cannot come back.
            var text = TokenizerFixtures.RandomText(random);
            var expected = family == "qwen2" ? UnicodeForm.Normalize(text, composed: true, compatible: false) : text;
            Assert.Equal(expected, tokenizer.Decode(tokenizer.Encode(text, addSpecialTokens: false), skipSpecial: false));
        }
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Tokens_decoded_one_by_one_add_up_to_the_whole_and_never_end_in_half_a_character(string family)
    {
        var tokenizer = TokenizerFixtures.Load(family);
        var random = new Random(6);
        for (var i = 0; i < 1_000; i++)
        {
            // Half of them are ids at random, as a model may sample them: bytes that make no character, and ids that are no token.
            var ids =
                i % 2 == 0
                    ? tokenizer.Encode(TokenizerFixtures.RandomText(random))
                    : [.. Enumerable.Range(0, 20).Select(_ => random.Next(tokenizer.VocabularySize + 5))];
            var decoder = tokenizer.CreateStreamingDecoder(skipSpecial: false);
            var text = new StringBuilder();
            foreach (var part in ids.Select(decoder.Push).Concat(new Func<string>[] { decoder.Finish }.Select(end => end())))
            {
                Assert.False(
                    part.Length > 0 && (char.IsHighSurrogate(part[^1]) || char.IsLowSurrogate(part[0])),
                    "A part ends within a character."
                );
                text.Append(part);
            }

            Assert.Equal(tokenizer.Decode(ids, skipSpecial: false), text.ToString());
        }
    }

    [Fact]
    public void A_character_of_several_tokens_comes_out_when_its_last_one_does()
    {
        var tokenizer = TokenizerFixtures.Load("gpt2");
        var ids = tokenizer.Encode("𠀀!");
        var decoder = tokenizer.CreateStreamingDecoder();

        Assert.Equal(["", "", "", "𠀀", "!"], ids.Select(decoder.Push));
        Assert.Equal("", decoder.Finish());

        Assert.Equal("", decoder.Push(ids[0]));
        Assert.Equal("\uFFFD", decoder.Finish());
    }

    [Theory]
    [InlineData(FamilySplitter.Gpt2Pattern)]
    [InlineData(FamilySplitter.Llama3Pattern)]
    [InlineData(FamilySplitter.Qwen2Pattern)]
    public void Splitting_by_hand_gives_the_pieces_of_the_pattern(string pattern)
    {
        using var json = System.Text.Json.JsonDocument.Parse("{}");
        var regex = PieceRegex.Compile(pattern, new ComponentJson(json.RootElement, "test"));
        var family = FamilySplitter.For(pattern)!;
        var random = new Random(7);
        var matches = new List<(int Start, int Length)>();
        for (var i = 0; i < 5_000; i++)
        {
            var text = TokenizerFixtures.RandomText(random);
            var pieces = new List<string>();
            for (var start = 0; start < text.Length; )
            {
                var end = family.End(text, start);
                pieces.Add(text[start..end]);
                start = end;
            }

            regex.Matches(text, matches);
            Assert.Equal(matches.Select(match => text.Substring(match.Start, match.Length)), pieces);
        }
    }

    [Fact]
    public void Every_character_is_split_by_hand_as_by_the_pattern()
    {
        using var json = System.Text.Json.JsonDocument.Parse("{}");
        var regex = PieceRegex.Compile(FamilySplitter.Llama3Pattern, new ComponentJson(json.RootElement, "test"));
        var matches = new List<(int Start, int Length)>();
        for (var point = 0; point < 0x110000; point += point < 0x3000 ? 1 : 7)
        {
            if (Rune.TryCreate(point, out var rune))
            {
                var text = $" {rune}a{rune}1";
                regex.Matches(text, matches);
                foreach (var (start, length) in matches)
                {
                    Assert.Equal(start + length, FamilySplitter.Llama3.End(text, start));
                }
            }
        }
    }

    [Fact]
    public void Long_pieces_merge_as_short_ones_do()
    {
        // Both ways to merge, against the definition: look for the lowest rank, merge it at its first place, begin again.
        var random = new Random(8);
        for (var trial = 0; trial < 300; trial++)
        {
            List<(int, int, int)> list =
            [
                .. Enumerable
                    .Range(0, 12)
                    .Select(i => (random.Next(3 + i), random.Next(3 + i), 3 + i))
                    .DistinctBy(merge => (merge.Item1, merge.Item2)),
            ];
            var merges = new MergeTable(list);
            int[] symbols =
            [
                .. Enumerable.Range(0, trial % 2 == 0 ? random.Next(2, 40) : random.Next(50, 300)).Select(_ => random.Next(3)),
            ];
            var expected = symbols.ToList();
            while (list.Exists(merge => Place(expected, merge) >= 0))
            {
                var merge = list.First(one => Place(expected, one) >= 0);
                var at = Place(expected, merge);
                expected[at] = merge.Item3;
                expected.RemoveAt(at + 1);
            }

            Assert.Equal(expected, symbols.AsSpan(0, Merger.Merge(symbols, merges)).ToArray());
        }

        static int Place(List<int> symbols, (int Left, int Right, int) merge) =>
            Enumerable.Range(0, symbols.Count - 1).FirstOrDefault(i => symbols[i] == merge.Left && symbols[i + 1] == merge.Right, -1);
    }

    [Fact]
    public void Many_threads_get_the_same_tokens()
    {
        var tokenizer = Tokenizer.Parse(TokenizerFixtures.Json("qwen2"));
        var cases = TokenizerFixtures.Cases("qwen2").ToList();
        Parallel.For(0, 400, i => Assert.Equal(cases[i % cases.Count].Ids, tokenizer.Encode(cases[i % cases.Count].Text)));
    }

    [Fact]
    public void A_megabyte_without_a_blank_takes_no_quadratic_time()
    {
        var tokenizer = TokenizerFixtures.Load("llama2");
        var ids = tokenizer.Encode(string.Concat(Enumerable.Repeat("abcdefgh", 128 * 1024)));
        Assert.Equal(1024 * 1024, tokenizer.Decode(ids).Length);
    }
}
