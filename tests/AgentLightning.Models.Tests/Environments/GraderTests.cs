using System.Diagnostics;
using System.Text.Json;
using AgentLightning.Models.Environments;
using AgentLightning.Models.Environments.Graders;

namespace AgentLightning.Models.Tests;

/// <summary>Graders as they are written in JSON: what they give, and what they refuse.</summary>
[Collection("Commands, whose folders are counted")]
public sealed class GraderTests
{
    private const string Item = """{"label":"Paris","number":"1,250.5","list":["a",{"b":7}],"n":3}""";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("eq", "Paris", 1)]
    [InlineData("eq", "paris", 0)]
    [InlineData("ne", "paris", 1)]
    [InlineData("like", "It is Paris.", 1)]
    [InlineData("like", "It is paris.", 0)]
    [InlineData("ilike", "It is paris.", 1)]
    public async Task A_string_check_compares(string operation, string output, double expected) =>
        Assert.Equal(
            expected,
            await GradeAsync(
                JsonSerializer.Serialize(
                    new
                    {
                        type = "string_check",
                        name = "n",
                        input = "{{sample.output_text}}",
                        reference = "{{ item.label }}",
                        operation,
                    }
                ),
                output
            )
        );

    [Theory]
    [InlineData("fuzzy_match", "kitten", "sitting", 0.615385)]
    [InlineData("fuzzy_match", "", "", 1)]
    [InlineData("rouge_1", "the cat sat", "The cat sat on the mat.", 0.666667)]
    [InlineData("rouge_2", "the cat sat", "the cat sat on the mat", 0.571429)]
    [InlineData("rouge_5", "a b c d e f", "a b c d e g", 0.5)]
    [InlineData("rouge_l", "the mat sat", "the cat sat on the mat", 0.444444)]
    [InlineData("bleu", "the cat sat on the mat", "the cat sat on the mat", 1)]
    [InlineData("bleu", "the cat", "the cat sat on the mat", 0.135335)]
    [InlineData("bleu", "a b x d", "a b c d", 0.353553)]
    [InlineData("bleu", "nothing alike", "the cat", 0)]
    [InlineData("gleu", "the cat sat", "the cat sat on the mat", 0.333333)]
    public async Task Texts_are_alike_by_the_measure_asked_for(string metric, string output, string reference, double expected) =>
        Assert.Equal(
            expected,
            await GradeAsync(
                JsonSerializer.Serialize(
                    new
                    {
                        type = "text_similarity",
                        input = "{{sample.output_text}}",
                        reference,
                        evaluation_metric = metric,
                    }
                ),
                output
            ),
            1e-6
        );

    [Theory]
    [InlineData("The answer is 1250.5", 1)]
    [InlineData("First 7, then 1,250.49", 1)]
    [InlineData("1250.5 and 3", 0)]
    [InlineData("none", 0)]
    [InlineData("1.2505e3", 1)]
    [InlineData("-1250.5", 0)]
    public async Task The_last_number_counts_up_to_a_tolerance(string output, double expected) =>
        Assert.Equal(expected, await GradeAsync("""{"type":"number","reference":"{{item.number}}","tolerance":0.02}""", output));

    [Theory]
    [InlineData("""{"type":"match","reference":"{{item.label}}"}""", "  PÁRIS! ", 1)]
    [InlineData("""{"type":"match","reference":"{{item.label}}"}""", "Paris, France", 0)]
    [InlineData("""{"type":"pattern","pattern":"^[A-Z]\\w+$"}""", "Paris", 1)]
    [InlineData("""{"type":"pattern","pattern":"^[A-Z]\\w+$"}""", "in Paris", 0)]
    [InlineData(
        """{"type":"match","input":"{{sample.output_json.city.names[1]}}","reference":"{{item.label}}"}""",
        """{"city":{"names":["x","Paris"]}}""",
        1
    )]
    [InlineData(
        """{"type":"string_check","operation":"eq","reference":"a 7 {{item.n}}","input":"{{item.list[0]}} {{item.list[1].b}} 3"}""",
        "",
        1
    )]
    [InlineData(
        """{"type":"multi","graders":{"a":{"type":"match","reference":"x"},"b":{"type":"pattern","pattern":"x"}},"calculate_output":"0.25*a + 0.75*b"}""",
        "x y",
        0.75
    )]
    [InlineData(
        """{"type":"multi","graders":[{"type":"match","name":"a","reference":"x"}],"calculate_output":"max(a, 0.5) - 2^2/8"}""",
        "y",
        0
    )]
    [InlineData(
        """{"type":"multi","graders":{"type":"match","name":"a","reference":"x"},"calculate_output":"-a^2 + floor(1.5) + ceil(0.2) + abs(-1) + sqrt(4) + exp(0) + log(1)"}""",
        "x",
        5
    )]
    public async Task Other_graders_give(string grader, string output, double expected) =>
        Assert.Equal(expected, await GradeAsync(grader, output));

    [Theory]
    [InlineData("""{"a":1,"b":["x","y"]}""", 1)]
    [InlineData("""{"a":1.5,"b":[]}""", 0)]
    [InlineData("""{"a":1}""", 0)]
    [InlineData("""{"a":11,"b":[]}""", 0)]
    [InlineData("""{"a":1,"b":["z"]}""", 0)]
    [InlineData("""{"a":1,"b":[],"c":1}""", 0)]
    [InlineData("""{"a":1,"b":[""", 0)]
    [InlineData("", 0)]
    public async Task A_text_fits_a_schema_or_not(string output, double expected)
    {
        const string Schema =
            """{"type":"object","required":["a","b"],"additionalProperties":false,"properties":{"a":{"type":"integer","maximum":10},"b":{"type":"array","items":{"enum":["x","y"]}}}}""";
        Assert.Equal(expected, await GradeAsync($$"""{"type":"json_schema","schema":{{Schema}}}""", output));
    }

    [Theory]
    [InlineData("""{"type":"magic"}""", "no grader of type 'magic'")]
    [InlineData("""{"type":"score_model"}""", "asks a model")]
    [InlineData("""{"type":"python","source":""}""", "use 'command'")]
    [InlineData("""{"type":"match"}""", "'reference' is missing")]
    [InlineData("""{"type":"match","reference":"{{secret.x}}"}""", "{{secret.x}}")]
    [InlineData("""{"type":"match","reference":"{{item.x"}""", "there can be")]
    [InlineData("""{"type":"string_check","reference":"","operation":"is"}""", "must be one of eq, ne, like, ilike, but it is 'is'")]
    [InlineData("""{"type":"text_similarity","reference":"","evaluation_metric":"cosine"}""", "a model of meanings")]
    [InlineData(
        """{"type":"multi","graders":{"a":{"type":"match","reference":"x"}},"calculate_output":"a + c"}""",
        "one of a at character 5"
    )]
    [InlineData("""{"type":"multi","graders":{"a":{"type":"match","reference":"x"}},"calculate_output":"(a"}""", "')' at character 3")]
    [InlineData("""{"type":"multi","graders":{"a":{"type":"match"}},"calculate_output":"a"}""", "grader.a: 'reference' is missing")]
    [InlineData("""{"type":"json_schema","schema":{"properties":{"a":{"format":"email"}}}}""", "schema.a: the rule 'format' is not known")]
    [InlineData("""{"type":"pattern","pattern":"("}""", "grader:")]
    [InlineData("""{"type":"command","command":["true"],"file":"../x"}""", "without folders")]
    [InlineData("""[]""", "must be an object")]
    public void What_is_not_a_grader_is_refused_with_its_place(string grader, string message)
    {
        var error = Assert.Throws<ArgumentException>(() => GraderReader.Read(JsonDocument.Parse(grader).RootElement));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_formula_a_thousand_brackets_deep_is_refused() =>
        Assert.Throws<ArgumentException>(() =>
            GraderReader.Read(
                JsonSerializer.SerializeToElement(
                    new
                    {
                        type = "multi",
                        graders = new { a = new { type = "match", reference = "x" } },
                        calculate_output = new string('(', 1000),
                    }
                )
            )
        );

    [Fact]
    public async Task What_an_item_does_not_have_is_a_failure_and_not_a_grade()
    {
        var error = await Assert.ThrowsAsync<InvalidDataException>(async () =>
            await GradeAsync("""{"type":"match","reference":"{{item.answer}}"}""", "x")
        );
        Assert.Contains("'answer'", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("exit 0", 1)]
    [InlineData("exit 3", 0)]
    [InlineData("grep -q right answer.txt", 1)]
    [InlineData("grep -q wrong answer.txt", 0)]
    [InlineData("test -z \"$LIGHTNING_API_KEY$USER\" && test \"$HOME\" = \"$PWD\"", 1)]
    [InlineData("head -c 100000000 /dev/zero", 0)]
    [InlineData("head -c 100000000 /dev/zero > big", 0)]
    [InlineData("while :; do :; done", 0)]
    [InlineData("sleep 60 & sleep 60", 0)]
    public async Task A_command_says_by_its_exit_whether_a_text_passes_and_has_limits(string script, double expected)
    {
        var before = Directory.GetDirectories(Path.GetTempPath(), "lightning-grade-*").Length;
        var clock = Stopwatch.StartNew();

        var grade = await GradeAsync(
            JsonSerializer.Serialize(
                new
                {
                    type = "command",
                    command = new[] { "sh", "-c", script },
                    timeout_seconds = 2,
                }
            ),
            "the right one"
        );

        Assert.Equal(expected, grade);
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 50);
        Assert.InRange(Directory.GetDirectories(Path.GetTempPath(), "lightning-grade-*").Length, 0, before);
    }

    [Fact]
    public async Task A_command_that_is_not_there_is_a_failure_and_not_a_grade() =>
        await Assert.ThrowsAsync<InvalidDataException>(async () =>
            await GradeAsync("""{"type":"command","command":["no-such-program"]}""", "x")
        );

    [Fact]
    public async Task Rewards_are_added_up_with_weights_and_one_that_cannot_say_is_left_out()
    {
        var attempt = new Attempt(new RolloutTask("t", [1]), 0, 0);
        var environment = new QuestionEnvironment([("a", new Fixed(0.5), 2), ("b", new Fixed(double.NaN), 1), ("c", new Fixed(1), 0.25)]);

        var turn = await environment.StepAsync(attempt, Token);
        var nothing = await new QuestionEnvironment(new Fixed(double.NaN)).StepAsync(attempt, Token);

        Assert.Equal(1.25, turn.Reward);
        Assert.Equal(["a", "c"], turn.Parts!.Keys);
        Assert.Equal(double.NaN, nothing.Reward);
    }

    private static async Task<double> GradeAsync(string grader, string output) =>
        await GraderReader
            .Read(JsonDocument.Parse(grader).RootElement)
            .GradeAsync(new GraderInput(output, JsonDocument.Parse(Item).RootElement), Token);

    private sealed class Fixed(double value) : IRewardFunction
    {
        public ValueTask<double> ScoreAsync(Attempt attempt, CancellationToken cancellationToken) => ValueTask.FromResult(value);
    }
}
