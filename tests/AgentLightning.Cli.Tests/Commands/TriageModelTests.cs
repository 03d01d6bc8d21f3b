using System.Security.Cryptography;
using System.Text.Json;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

public sealed class TriageModelTests
{
    private static readonly string[] s_columns = ["--text-column", "text", "--label-column", "label"];

    [Fact]
    public async Task Training_writes_a_model_and_says_what_it_is()
    {
        using var folder = new TemporaryFolder();

        var json = await TrainAsync(folder);

        Assert.Equal(["model", "labels", "examples", "parameters", "seed", "sha256", "loss", "seconds", "cross_validation"], Keys(json));
        Assert.Equal(["bug", "praise"], json.GetProperty("labels").EnumerateArray().Select(label => label.GetString()));
        Assert.Equal(40, json.GetProperty("examples").GetInt32());
        Assert.Equal(Hash(folder.File("model/model.safetensors")), json.GetProperty("sha256").GetString());
        Assert.Equal(["model.json", "model.safetensors"], Directory.EnumerateFiles(folder.File("model")).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task The_same_seed_trains_the_same_model_to_the_last_bit()
    {
        using var folder = new TemporaryFolder();

        var first = (await TrainAsync(folder, "--seed", "5")).GetProperty("sha256").GetString();

        Assert.Equal(first, (await TrainAsync(folder, "--seed", "5")).GetProperty("sha256").GetString());
        Assert.NotEqual(first, (await TrainAsync(folder, "--seed", "6")).GetProperty("sha256").GetString());
    }

    [Fact]
    public async Task Scores_have_exactly_their_keys_and_a_row_for_each_label_and_slice()
    {
        using var folder = new TemporaryFolder();
        await TrainAsync(folder);

        var json = (await EvalAsync(folder, "--slice-column", "part")).Json();

        Assert.Equal(["count", "accuracy", "macro_f1", "slices", "slice_macro_f1_mean", "classes", "microseconds_per_item"], Keys(json));
        Assert.Equal(40, json.GetProperty("count").GetInt32());
        Assert.Equal(1, json.GetProperty("macro_f1").GetDouble());
        Assert.Equal(
            ["part-0", "part-1", "part-2"],
            json.GetProperty("slices").EnumerateArray().Select(slice => slice.GetProperty("slice").GetString())
        );
        Assert.Equal(["bug", "praise"], json.GetProperty("classes").EnumerateArray().Select(row => row.GetProperty("label").GetString()));
        Assert.Equal(40, json.GetProperty("classes").EnumerateArray().Sum(row => row.GetProperty("support").GetInt32()));
        Assert.True(json.GetProperty("microseconds_per_item").GetDouble() > 0);
        Assert.Equal(JsonValueKind.Null, (await EvalAsync(folder)).Json().GetProperty("slice_macro_f1_mean").ValueKind);
    }

    [Fact]
    public async Task Cross_validation_scores_every_row_once()
    {
        using var folder = new TemporaryFolder();

        Assert.Equal(40, (await TrainAsync(folder, "--folds", "4")).GetProperty("cross_validation").GetProperty("count").GetInt32());
    }

    [Theory]
    [InlineData("1")]
    [InlineData("21")]
    [InlineData("-3")]
    public async Task Folds_out_of_range_are_refused_with_the_range(string folds)
    {
        using var folder = new TemporaryFolder();
        CsvFile.Write(folder.File("data.csv"), CsvFile.TwoKinds(40));

        var refused = await Lightning.RunAsync(
            folder.Path,
            ["triage", "train", "--data", "data.csv", .. s_columns, "--out", "model", "--folds", folds]
        );

        Assert.Contains("from 2 to 20", refused.Failed(2), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_label_that_training_never_saw_is_named()
    {
        using var folder = new TemporaryFolder();
        await TrainAsync(folder);
        CsvFile.Write(folder.File("data.csv"), CsvFile.TwoKinds(4).Append(["Where is the guide?", "question", "part-0"]));

        var message = (await EvalAsync(folder)).Failed(2);

        Assert.Contains("'question'", message, StringComparison.Ordinal);
        Assert.Contains("bug, praise", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_was_tampered_with_is_refused_with_both_hashes()
    {
        using var folder = new TemporaryFolder();
        var written = (await TrainAsync(folder)).GetProperty("sha256").GetString()!;
        var weights = await File.ReadAllBytesAsync(folder.File("model/model.safetensors"));
        weights[^1] ^= 1;
        await File.WriteAllBytesAsync(folder.File("model/model.safetensors"), weights);

        foreach (
            var refused in new[]
            {
                await EvalAsync(folder),
                await Lightning.RunAsync(folder.Path, "triage", "run", "It crashes", "--model", "model"),
            }
        )
        {
            Assert.Contains(written, refused.Failed(1), StringComparison.Ordinal);
            Assert.Contains(Hash(folder.File("model/model.safetensors")), refused.Error, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{")]
    [InlineData("{}")]
    public async Task A_model_with_a_card_that_cannot_be_read_is_refused(string card)
    {
        using var folder = new TemporaryFolder();
        await TrainAsync(folder);
        await File.WriteAllTextAsync(folder.File("model/model.json"), card);

        Assert.Contains("model", (await EvalAsync(folder)).Failed(1), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_without_a_model_and_a_folder_with_something_else_are_refused()
    {
        using var folder = new TemporaryFolder();
        CsvFile.Write(folder.File("data.csv"), CsvFile.TwoKinds(40));
        Directory.CreateDirectory(folder.File("model"));
        await File.WriteAllTextAsync(folder.File("model/thesis.txt"), "years of work");

        Assert.Contains("holds no model", (await EvalAsync(folder)).Failed(2), StringComparison.Ordinal);
        var refused = await Lightning.RunAsync(folder.Path, ["triage", "train", "--data", "data.csv", .. s_columns, "--out", "model"]);
        Assert.Contains("not a model", refused.Failed(2), StringComparison.Ordinal);
        Assert.Equal("years of work", await File.ReadAllTextAsync(folder.File("model/thesis.txt")));
    }

    private static async Task<JsonElement> TrainAsync(TemporaryFolder folder, params string[] more)
    {
        CsvFile.Write(folder.File("data.csv"), CsvFile.TwoKinds(40));
        return (
            await Lightning.RunAsync(
                folder.Path,
                ["triage", "train", "--data", "data.csv", .. s_columns, "--out", "model", "--json", .. more]
            )
        ).Json();
    }

    private static Task<Outcome> EvalAsync(TemporaryFolder folder, params string[] more) =>
        Lightning.RunAsync(folder.Path, ["triage", "eval", "--model", "model", "--data", "data.csv", .. s_columns, "--json", .. more]);

    private static string Hash(string file) => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file)));

    private static IEnumerable<string> Keys(JsonElement element) => element.EnumerateObject().Select(property => property.Name);
}
