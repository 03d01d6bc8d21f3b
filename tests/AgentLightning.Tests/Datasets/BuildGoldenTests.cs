using System.Text;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Storage;
using AgentLightning.Tests.Storage;

namespace AgentLightning.Tests.Datasets;

public sealed class BuildGoldenTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Conversations_are_taken_as_they_are_and_lines_that_are_none_are_told()
    {
        await using var product = await Product.OpenAsync();
        const string File = """
            {"messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"hello there"},{"role":"assistant","content":"Hi!"}]}
            not JSON

            {"messages":[{"role":"user","content":[{"type":"text","text":"in "},{"type":"text","text":"parts"}]},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"look","arguments":"{\"a\":1}"}}]},{"role":"tool","tool_call_id":"c","content":"seen"},{"role":"assistant","content":"Seen."}],"tools":[{"type":"function"}]}
            {"messages":[{"role":"user","content":"no answer"}]}
            {"messages":[{"role":"user","content":"bad"},{"role":"assistant","content":"not to learn","weight":0}]}
            {"messages":[{"role":"user","content":[{"type":"image_url"}]},{"role":"assistant","content":"a picture"}]}
            """;

        var built = await BuildAsync(product, File);
        var rows = await product.Get<DatasetReader>().ReadRowsAsync<ChatRow>(built.Dataset, Token).ToListAsync(Token);

        Assert.Equal(("golden_conversations", DatasetKind.Chat), (built.Dataset.QueryFilter, built.Dataset.Kind));
        Assert.Equal([2, 5, 6, 7], built.Skipped.Select(line => line.Line));
        Assert.Equal(["line:1", "line:4"], rows.SelectMany(row => row.EpisodeIds));
        Assert.Equal(["Be kind.", "hello there", "Hi!"], rows[0].Messages.Select(message => message.Content));
        Assert.Equal("in parts", rows[1].Messages[0].Content);
        Assert.Equal("""[{"type":"function"}]""", rows[1].Tools?.GetRawText());
        Assert.Equal(new DatasetToolCall("c", "look", """{"a":1}"""), Assert.Single(rows[1].Messages[1].ToolCalls!));
        Assert.Equal([1, 1], rows.Select(row => row.Reward));
        Assert.Equal((1, 1), (built.Dataset.TrainingCount, built.Dataset.ValidationCount));
    }

    [Fact]
    public async Task Secrets_in_a_file_do_not_get_into_the_data_set()
    {
        await using var product = await Product.OpenAsync();
        const string Secret = "ghp_FAKE0001OUTPUT0001FAKE0000EXAMPLE00";

        var built = await BuildAsync(
            product,
            $$"""{"messages":[{"role":"user","content":"my token is {{Secret}}"},{"role":"assistant","content":"use {{Secret}}"}]}"""
        );

        var content = Encoding.UTF8.GetString(await product.Get<IArtifactStore>().ReadAllAsync(built.Dataset.Artifact, Token));
        Assert.DoesNotContain(Secret, content, StringComparison.Ordinal);
        Assert.Contains("[REDACTED]", content, StringComparison.Ordinal);
        var named = await Assert.ThrowsAsync<LightningException>(() => BuildAsync(product, "{}", Secret));
        Assert.DoesNotContain(Secret, named.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"messages\":[]}\n\u0000\n")]
    public async Task A_file_without_conversations_makes_no_data_set(string file)
    {
        await using var product = await Product.OpenAsync();

        var error = await Assert.ThrowsAsync<LightningException>(() => BuildAsync(product, file));

        Assert.Equal(ErrorKind.Conflict, error.Kind);
        Assert.Contains("Each line must be {\"messages\":[…]}", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, await product.Get<IDatasetStore>().CountAsync(null, Token));
    }

    [Theory]
    [InlineData("../../etc/passwd")]
    [InlineData("a/b\\c:d")]
    public async Task A_name_is_never_part_of_a_path(string name)
    {
        await using var product = await Product.OpenAsync();

        var built = await BuildAsync(product, """{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}""", name);

        Assert.Equal(name, built.Dataset.Name);
        Assert.Equal([product.ArtifactPath(built.Dataset.Artifact)], Directory.GetFiles(product.Options.ArtifactFolder));
    }

    private static Task<GoldenDataset> BuildAsync(Product product, string file, string? name = null) =>
        product
            .Get<BuildGolden>()
            .ExecuteAsync(
                Product.Owner,
                new GoldenInput(Product.Agent, name, TrainSplit: 0.5),
                new MemoryStream(Encoding.UTF8.GetBytes(file)),
                Token
            );
}
