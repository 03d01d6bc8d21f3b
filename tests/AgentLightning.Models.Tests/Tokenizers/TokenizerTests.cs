using System.Text.Json.Nodes;
using AgentLightning.Models.ChatTemplates;
using AgentLightning.Models.Tokenizers;
using AgentLightning.Models.Tokenizers.Training;
using AgentLightning.Testing;

namespace AgentLightning.Models.Tests;

public sealed class TokenizerTests
{
    [Theory]
    [InlineData(
        "normalizer",
        """{"type":"Precompiled","precompiled_charsmap":""}""",
        "normalizer",
        "normalizer has the type 'Precompiled', which is not implemented"
    )]
    [InlineData(
        "normalizer",
        """{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"BertNormalizer"}]}""",
        "normalizer.normalizers[1]",
        "BertNormalizer"
    )]
    [InlineData(
        "normalizer",
        """{"type":"NFC","strange":1}""",
        "normalizer.strange",
        "The option 'strange' of normalizer (NFC) is not implemented"
    )]
    [InlineData("pre_tokenizer", """{"type":"UnicodeScripts"}""", "pre_tokenizer", "UnicodeScripts")]
    [InlineData(
        "pre_tokenizer",
        """{"type":"Sequence","pretokenizers":[{"type":"ByteLevel"},{"type":"Digits"}]}""",
        "pre_tokenizer.pretokenizers[1]",
        "comes after ByteLevel"
    )]
    [InlineData(
        "pre_tokenizer",
        """{"type":"Split","pattern":{"Regex":"\\p{Han}+"},"behavior":"Isolated"}""",
        "pre_tokenizer.pattern",
        "\\p"
    )]
    [InlineData(
        "pre_tokenizer",
        """{"type":"Split","pattern":{"Regex":"a++"},"behavior":"Isolated"}""",
        "pre_tokenizer.pattern",
        "possessive"
    )]
    [InlineData(
        "pre_tokenizer",
        """{"type":"Split","pattern":{"Regex":"[a-z&&[^b]]"},"behavior":"Isolated"}""",
        "pre_tokenizer.pattern",
        "a set inside a set"
    )]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{"Regex":"\\h"},"behavior":"Isolated"}""", "pre_tokenizer.pattern", "'\\h'")]
    [InlineData(
        "pre_tokenizer",
        """{"type":"Split","pattern":{"String":" "},"behavior":"Odd"}""",
        "pre_tokenizer.behavior",
        "is 'Odd', which is not implemented. Implemented: Isolated"
    )]
    [InlineData("post_processor", """{"type":"BertProcessing","sep":["a",1],"cls":["b",2]}""", "post_processor", "BertProcessing")]
    [InlineData("decoder", """{"type":"WordPiece"}""", "decoder", "WordPiece")]
    [InlineData(
        "decoder",
        """{"type":"Sequence","decoders":[{"type":"Fuse"},{"type":"Replace","pattern":{"String":"a"},"content":"b"}]}""",
        "decoder.decoders[1]",
        "after the tokens were joined"
    )]
    [InlineData(
        "model",
        """{"type":"Unigram","vocab":[]}""",
        "model",
        "model has the type 'Unigram', which is not implemented. Implemented are: BPE"
    )]
    [InlineData("model", """{"type":"BPE","dropout":0.1,"vocab":{},"merges":[]}""", "model.dropout", "dropout")]
    [InlineData("model", """{"type":"BPE","end_of_word_suffix":"</w>","vocab":{},"merges":[]}""", "model.end_of_word_suffix", "</w>")]
    [InlineData("surprise", "1", "tokenizer.json.surprise", "surprise")]
    public void A_component_or_option_that_is_unknown_is_named_and_refused(string section, string value, string component, string message)
    {
        var error = Assert.Throws<UnsupportedTokenizerException>(() => Tokenizer.Parse(With("gpt2", section, value)));
        Assert.Equal(component, error.Component);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        "model",
        """{"type":"BPE","vocab":{"a":0,"b":1},"merges":["a b"]}""",
        "model.merges[0] is 'a' and 'b', but the vocabulary has no token 'ab'"
    )]
    [InlineData("model", """{"type":"BPE","vocab":{"a":0},"merges":["a"]}""", "model.merges[0] is neither two tokens")]
    [InlineData("model", """{"type":"BPE","vocab":{"a":-1},"merges":[]}""", "the id -1")]
    [InlineData("model", """{"type":"BPE","vocab":{"a":2000000000},"merges":[]}""", "ids up to 2000000000")]
    [InlineData(
        "model",
        """{"type":"BPE","vocab":{},"merges":[],"unk_token":"?"}""",
        "model.unk_token is '?', which is not in the vocabulary"
    )]
    [InlineData("model", "[]", "model should be an object, but it is array")]
    [InlineData("model", "null", "tokenizer.json lacks 'model'")]
    [InlineData("normalizer", """{"type":"Prepend"}""", "normalizer lacks 'prepend'")]
    [InlineData(
        "post_processor",
        """{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}}],"special_tokens":{}}""",
        "special_tokens lacks '<s>'"
    )]
    public void A_damaged_file_is_refused_with_the_place(string section, string value, string message) =>
        Assert.Contains(
            message,
            Assert.Throws<InvalidDataException>(() => Tokenizer.Parse(With("gpt2", section, value))).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void Any_damage_to_a_tokenizer_is_an_error_meant_for_people_or_another_tokenizer()
    {
        var random = new Random(10);
        for (var trial = 0; trial < 1_000; trial++)
        {
            var damaged = TokenizerFixtures.Json(TokenizerFixtures.Families[trial % TokenizerFixtures.Families.Length]).ToCharArray();
            // The components come before and after the vocabulary, which is most of the file.
            for (var i = random.Next(1, 3); i > 0; i--)
            {
                damaged[random.Next(2) == 0 ? random.Next(Math.Min(2_000, damaged.Length)) : random.Next(damaged.Length)] = (char)
                    random.Next(32, 127);
            }

            var error = Record.Exception(() => Tokenizer.Parse(new string(damaged)).Encode("Hello, 123 world!"));
            Assert.True(error is null or InvalidDataException or UnsupportedTokenizerException, $"trial {trial}: {error}");
        }
    }

    [Fact]
    public void Text_that_the_vocabulary_cannot_write_is_an_error_and_is_not_dropped()
    {
        var tokenizer = Tokenizer.Parse("""{"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":[]}}""");
        Assert.Equal([0, 1], tokenizer.Encode("ab"));
        Assert.Contains(
            "'c' (U+0063)",
            Assert.Throws<InvalidDataException>(() => tokenizer.Encode("abc")).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Unknown_characters_are_one_token_each_or_fused_as_the_file_says()
    {
        const string Model = """{"model":{"type":"BPE","vocab":{"<unk>":0,"a":1},"merges":[],"unk_token":"<unk>","fuse_unk":FUSE}}""";
        Assert.Equal([1, 0, 0, 1], Tokenizer.Parse(Model.Replace("FUSE", "false", StringComparison.Ordinal)).Encode("axya"));
        Assert.Equal([1, 0, 1], Tokenizer.Parse(Model.Replace("FUSE", "true", StringComparison.Ordinal)).Encode("axya"));
    }

    [Fact]
    public void A_token_that_must_be_a_word_is_not_found_inside_one()
    {
        var tokenizer = Tokenizer.Parse(
            """{"added_tokens":[{"id":5,"content":"ab","single_word":true,"normalized":false,"special":false}],"model":{"type":"BPE","vocab":{"a":0,"b":1," ":2,"_":3,"!":4},"merges":[]}}"""
        );
        Assert.Equal([5, 2, 5, 4], tokenizer.Encode("ab ab!"));
        Assert.Equal([0, 1, 0, 2, 3, 0, 1], tokenizer.Encode("aba _ab"));
    }

    [Fact]
    public void Tokens_found_after_normalizing_are_looked_for_in_their_normalized_form()
    {
        var tokenizer = Tokenizer.Parse(
            """{"normalizer":{"type":"Lowercase"},"added_tokens":[{"id":9,"content":"AB","normalized":true,"special":false},{"id":8,"content":"BA","normalized":false,"special":false}],"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":[]}}"""
        );
        Assert.Equal([9, 9], tokenizer.Encode("abAB"));
        Assert.Equal([8, 1, 0], tokenizer.Encode("BAba"));
    }

    [Theory]
    [InlineData("""{"type":"Split","pattern":{"String":"-"},"behavior":"Removed"}""", "a-b--c", "a|b|c")]
    [InlineData("""{"type":"Split","pattern":{"String":"-"},"behavior":"Isolated"}""", "a-b--c", "a|-|b|-|-|c")]
    [InlineData("""{"type":"Split","pattern":{"String":"-"},"behavior":"MergedWithPrevious"}""", "a-b--c", "a-|b-|-|c")]
    [InlineData("""{"type":"Split","pattern":{"String":"-"},"behavior":"MergedWithNext"}""", "a-b--c", "a|-b|-|-c")]
    [InlineData("""{"type":"Split","pattern":{"String":"-"},"behavior":"Contiguous"}""", "a-b--c", "a|-|b|--|c")]
    [InlineData("""{"type":"Split","pattern":{"Regex":"[a-c]+"},"behavior":"Removed","invert":true}""", "ab-c", "ab|c")]
    [InlineData("""{"type":"Whitespace"}""", "ab  c-- a", "ab|c|--|a")]
    [InlineData("""{"type":"WhitespaceSplit"}""", " ab  c-- a", "ab|c--|a")]
    [InlineData("""{"type":"Punctuation"}""", "ab--c", "ab|-|-|c")]
    [InlineData("""{"type":"Punctuation","behavior":"Contiguous"}""", "ab--c", "ab|--|c")]
    [InlineData("""{"type":"Digits"}""", "a12b", "a|12|b")]
    [InlineData("""{"type":"Digits","individual_digits":true}""", "a12b", "a|1|2|b")]
    [InlineData("""{"type":"Metaspace"}""", "a  b", "_a|_|_b")]
    [InlineData("""{"type":"Metaspace","prepend_scheme":"never"}""", "a b", "a|_b")]
    public void Pieces_are_split_as_the_original_does(string preTokenizer, string text, string pieces)
    {
        // Each piece that the vocabulary has whole is one token (ignore_merges), so that tokens show the pieces.
        var known = pieces.Replace('_', '\u2581').Split('|').Distinct().ToList();
        var vocab = new JsonObject([.. known.Select((piece, id) => KeyValuePair.Create(piece, (JsonNode?)id))]);
        var tokenizer = Tokenizer.Parse(
            new JsonObject
            {
                ["pre_tokenizer"] = JsonNode.Parse(preTokenizer),
                ["model"] = new JsonObject
                {
                    ["type"] = "BPE",
                    ["ignore_merges"] = true,
                    ["vocab"] = vocab,
                    ["merges"] = new JsonArray(),
                },
            }.ToJsonString()
        );

        Assert.Equal(pieces.Replace('_', '\u2581'), string.Join('|', tokenizer.Encode(text).Select(tokenizer.TokenOf)));
    }

    [Fact]
    public void White_space_is_what_Unicode_calls_so()
    {
        // U+0085 is white space and U+FEFF is none; some other implementations have it the other way round.
        var tokenizer = TokenizerFixtures.Load("gpt2");
        Assert.Equal(tokenizer.Encode("a").Concat(tokenizer.Encode("\u0085")).Concat(tokenizer.Encode("b")), tokenizer.Encode("a\u0085b"));
        Assert.Equal("a\u0085\u0085 b\uFEFFc", tokenizer.Decode(tokenizer.Encode("a\u0085\u0085 b\uFEFFc")));
    }

    [Fact]
    public void A_folder_says_what_begins_and_ends_a_text_and_how_to_chat()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("tokenizer.json"), TokenizerFixtures.Json("llama3"));
        File.WriteAllText(
            folder.File("tokenizer_config.json"),
            """{"bos_token":"<|begin_of_text|>","eos_token":{"content":"<|eot_id|>","lstrip":false},"chat_template":"{{ bos_token }}{{ messages[0].content }}{{ eos_token }}"}"""
        );
        File.WriteAllText(folder.File("generation_config.json"), """{"eos_token_id":[757,760]}""");

        var tokenizer = Tokenizer.Load(folder.Path);

        Assert.Equal(tokenizer.IdOf("<|begin_of_text|>"), tokenizer.BosId);
        Assert.Equal([760, 757], tokenizer.EosIds);
        Assert.Equal("<|begin_of_text|>hey<|eot_id|>", tokenizer.RenderChat([ChatTemplate.Message("user", "hey")]));
        Assert.Equal(
            [756, .. tokenizer.Encode("hey", addSpecialTokens: false), 760],
            tokenizer.Encode(tokenizer.RenderChat([ChatTemplate.Message("user", "hey")]), addSpecialTokens: false)
        );
        File.WriteAllText(folder.File("chat_template.jinja"), "newer: {{ messages[0].content }}");
        Assert.Equal("newer: hey", Tokenizer.Load(folder.Path).RenderChat([ChatTemplate.Message("user", "hey")]));
    }

    [Fact]
    public void A_folder_may_keep_a_template_of_its_own_for_tools()
    {
        var tokenizer = Tokenizer.Parse(
            TokenizerFixtures.Json("gpt2"),
            """{"chat_template":[{"name":"default","template":"plain"},{"name":"tool_use","template":"tools: {{ tools | length }}"}]}"""
        );
        Assert.Equal("plain", tokenizer.RenderChat([]));
        Assert.Equal("tools: 1", tokenizer.RenderChat([], [new Dictionary<string, object?> { ["name"] = "f" }]));
        Assert.Contains(
            "chat_template.jinja",
            Assert.Throws<InvalidOperationException>(() => TokenizerFixtures.Load("gpt2").RenderChat([])).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Llama_settings_decide_about_the_tokens_around_a_text()
    {
        const string Config =
            """{"tokenizer_class":"LlamaTokenizerFast","bos_token":"<s>","eos_token":"</s>","add_bos_token":false,"add_eos_token":true}""";
        var plain = TokenizerFixtures.Load("llama2").Encode("a b", addSpecialTokens: false);
        Assert.Equal([1, .. plain], TokenizerFixtures.Load("llama2").Encode("a b"));
        Assert.Equal([.. plain, 2], Tokenizer.Parse(TokenizerFixtures.Json("llama2"), Config).Encode("a b"));
    }

    [Theory]
    [InlineData("gpt2", "GPT2Tokenizer")]
    [InlineData("qwen2", "Qwen2Tokenizer")]
    public void A_vocabulary_with_merges_gives_the_tokens_of_tokenizer_json(string family, string type)
    {
        using var folder = new TemporaryFolder();
        var json = JsonNode.Parse(TokenizerFixtures.Json(family))!;
        File.WriteAllText(folder.File("vocab.json"), json["model"]!["vocab"]!.ToJsonString());
        File.WriteAllLines(
            folder.File("merges.txt"),
            ["#version: 0.2", .. json["model"]!["merges"]!.AsArray().Select(merge => merge!.GetValue<string>())]
        );
        var added = new JsonObject([
            .. json["added_tokens"]!
                .AsArray()
                .Select(token => KeyValuePair.Create(token!["id"]!.ToJsonString(), (JsonNode?)Without(token.DeepClone().AsObject(), "id"))),
        ]);
        File.WriteAllText(
            folder.File("tokenizer_config.json"),
            new JsonObject { ["tokenizer_class"] = type, ["added_tokens_decoder"] = added }.ToJsonString()
        );

        var tokenizer = Tokenizer.Load(folder.Path);

        Assert.All(TokenizerFixtures.Cases(family), one => Assert.Equal(one.Ids, tokenizer.Encode(one.Text)));
        Assert.All(TokenizerFixtures.Cases(family), one => Assert.Equal(one.Decoded, tokenizer.Decode(one.Ids, skipSpecial: false)));
        File.WriteAllText(folder.File("tokenizer_config.json"), """{"tokenizer_class":"BartTokenizer"}""");
        Assert.Contains(
            "'BartTokenizer'",
            Assert.Throws<UnsupportedTokenizerException>(() => Tokenizer.Load(folder.Path)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_folder_without_a_tokenizer_says_what_is_missing()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains(
            "neither tokenizer.json nor both vocab.json and merges.txt",
            Assert.Throws<FileNotFoundException>(() => Tokenizer.Load(folder.Path)).Message,
            StringComparison.Ordinal
        );
        File.WriteAllText(folder.File("tokenizer.json"), "{");
        Assert.Contains(
            "tokenizer.json is not JSON",
            Assert.Throws<InvalidDataException>(() => Tokenizer.Load(folder.Path)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_vocabulary_that_is_larger_than_that_of_the_model_is_refused_and_added_tokens_alone_are_not()
    {
        using var folder = new TemporaryFolder();
        await TinyLanguage.SaveAsync(folder.Path);
        var (config, size) = (File.ReadAllText(folder.File("config.json")), Tokenizer.Load(folder.Path).VocabularySize);
        var added = Enumerable.Range(0, size).Count(id => TinyLanguage.Tokenizer.AddedTokenOf(id) is not null);
        Assert.True(added > 0);
        SetSize(size - added);
        Assert.Equal(size, Tokenizer.Load(folder.Path).VocabularySize);
        SetSize(200);

        var message = Assert.Throws<InvalidDataException>(() => Tokenizer.Load(folder.Path)).Message;

        Assert.StartsWith(folder.File("tokenizer.json"), message, StringComparison.Ordinal);
        Assert.Contains("token 200 is '", message, StringComparison.Ordinal);
        Assert.Contains("a 'vocab_size' of 200", message, StringComparison.Ordinal);

        void SetSize(int value) =>
            File.WriteAllText(
                folder.File("config.json"),
                config.Replace($"\"vocab_size\": {size}", $"\"vocab_size\": {value}", StringComparison.Ordinal)
            );
    }

    [Fact]
    public void Training_learns_the_merges_that_counting_anew_each_time_gives()
    {
        var corpus = File.ReadAllText(Path.Combine(TokenizerFixtures.Folder, "corpus.txt"));
        var expected = JsonNode
            .Parse(File.ReadAllText(Path.Combine(TokenizerFixtures.Folder, "merges.json")))!
            .AsArray()
            .Select(merge => merge!.GetValue<string>());

        var trained = BpeTrainer.Train([corpus], new BpeTrainerOptions { VocabularySize = 256 + 500 + 1, Family = TokenizerFamily.Gpt2 });

        Assert.Equal(expected, trained.Merges.Select(merge => $"{merge.Left} {merge.Right}"));
        Assert.All(TokenizerFixtures.Cases("gpt2"), one => Assert.Equal(one.Ids, trained.Create().Encode(one.Text)));
    }

    [Theory]
    [InlineData(TokenizerFamily.Gpt2)]
    [InlineData(TokenizerFamily.Llama3)]
    [InlineData(TokenizerFamily.Qwen2)]
    public void A_trained_tokenizer_is_saved_loaded_and_makes_text_shorter(TokenizerFamily family)
    {
        using var folder = new TemporaryFolder();
        var corpus = File.ReadAllText(Path.Combine(TokenizerFixtures.Folder, "corpus.txt"));
        BpeTrainer
            .Train(
                corpus.Split('\n'),
                new BpeTrainerOptions
                {
                    VocabularySize = 600,
                    Family = family,
                    SpecialTokens = ["<|end|>", "<|pad|>"],
                }
            )
            .Save(folder.Path);

        var tokenizer = Tokenizer.Load(folder.Path);

        Assert.Equal(600, tokenizer.VocabularySize);
        Assert.Equal([tokenizer.IdOf("<|end|>")!.Value], tokenizer.EosIds);
        Assert.True(tokenizer.Encode(corpus).Length < corpus.Length / 2);
        Assert.Equal("a b<|end|>", tokenizer.Decode(tokenizer.Encode("a b<|end|>"), skipSpecial: false));
        Assert.Equal("a b", tokenizer.Decode(tokenizer.Encode("a b<|end|>")));
    }

    private static string With(string family, string section, string value)
    {
        var json = JsonNode.Parse(TokenizerFixtures.Json(family))!.AsObject();
        json[section] = JsonNode.Parse(value);
        return json.ToJsonString();
    }

    private static JsonObject Without(JsonObject json, string name)
    {
        json.Remove(name);
        return json;
    }
}
