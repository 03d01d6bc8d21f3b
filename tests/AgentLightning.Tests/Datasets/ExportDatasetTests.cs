using System.Text;
using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Storage;
using AgentLightning.Tests.Storage;

namespace AgentLightning.Tests.Datasets;

public sealed class ExportDatasetTests
{
    private const string Chat =
        """{"key":"s","side":"train","messages":[{"role":"user","content":"=1+2"},{"role":"assistant","content":null,"tool_calls":[{"id":"c1","name":"t","arguments":"{}"}]},{"role":"tool","content":"r","tool_call_id":"c1"},{"role":"assistant","content":"a \"b\", c"}],"reward":-0.5,"episode_ids":["e1"]}""";

    private const string Preference =
        """{"key":"s","side":"validation","messages":[{"role":"user","content":"q"}],"chosen":{"role":"assistant","content":"@good"},"rejected":{"role":"assistant","content":"bad"},"chosen_reward":1,"rejected_reward":-1,"episode_ids":["e1","e2"],"slice":"x"}""";

    private const string Prompts =
        """{"key":"s","side":"train","messages":[{"role":"user","content":"q"}],"expected":"e","answers":[{"episode_id":"e1","action":"a","log_probability":0,"reward":0.25}]}""";

    private const string Classification =
        """{"key":"k","side":"train","input":"i","expected":null,"answers":[{"episode_id":"e1","action":"bug","log_probability":0,"reward":1}]}""";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(
        DatasetKind.Chat,
        Chat,
        DatasetFormat.Openai,
        """{"messages":[{"role":"user","content":"=1+2"},{"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"t","arguments":"{}"}}]},{"role":"tool","content":"r","tool_call_id":"c1"},{"role":"assistant","content":"a \"b\", c"}]}"""
    )]
    [InlineData(
        DatasetKind.Preference,
        Preference,
        DatasetFormat.Dpo,
        """{"input":{"messages":[{"role":"user","content":"q"}]},"preferred_output":[{"role":"assistant","content":"@good"}],"non_preferred_output":[{"role":"assistant","content":"bad"}]}"""
    )]
    [InlineData(
        DatasetKind.Preference,
        Preference,
        DatasetFormat.Trl,
        """{"prompt":[{"role":"user","content":"q"}],"chosen":[{"role":"assistant","content":"@good"}],"rejected":[{"role":"assistant","content":"bad"}]}"""
    )]
    [InlineData(
        DatasetKind.Prompts,
        Prompts,
        DatasetFormat.Openai,
        """{"messages":[{"role":"user","content":"q"}],"expected":"e","best_answer":"a","best_reward":0.25}"""
    )]
    [InlineData(
        DatasetKind.Classification,
        Classification,
        DatasetFormat.Openai,
        """{"messages":[{"role":"user","content":"i"},{"role":"assistant","content":"bug"}]}"""
    )]
    public async Task A_row_has_the_form_that_others_read(DatasetKind kind, string row, DatasetFormat format, string expected)
    {
        await using var product = await Product.OpenAsync();
        var dataset = await AddAsync(product, kind, row);

        Assert.Equal([expected], await LinesAsync(product, dataset, format));
    }

    [Fact]
    public async Task A_spreadsheet_takes_no_text_for_a_formula_and_every_number_for_a_number()
    {
        await using var product = await Product.OpenAsync();
        var chat = await AddAsync(product, DatasetKind.Chat, Chat);
        var preference = await AddAsync(product, DatasetKind.Preference, Preference);

        var lines = await LinesAsync(product, chat, DatasetFormat.Csv);
        var pairs = await LinesAsync(product, preference, DatasetFormat.Csv);

        Assert.Equal("key,side,input,answer,reward,episode_ids,slice,messages", lines[0]);
        Assert.StartsWith("s,train,\"'=1+2\",\"a \"\"b\"\", c\",-0.5,e1,,", lines[1], StringComparison.Ordinal);
        Assert.StartsWith("s,validation,q,\"'@good\",bad,1,-1,e1 e2,x,", pairs[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_side_can_be_asked_for_by_itself_and_a_form_that_the_kind_has_not_is_refused()
    {
        await using var product = await Product.OpenAsync();
        var dataset = await AddAsync(product, DatasetKind.Chat, Chat);

        Assert.Empty(await LinesAsync(product, dataset, DatasetFormat.Jsonl, DatasetSide.Validation));
        Assert.Single(await LinesAsync(product, dataset, DatasetFormat.Jsonl, DatasetSide.Train));
        Assert.Equal([Chat], await LinesAsync(product, dataset, DatasetFormat.Jsonl));
        var error = await Assert.ThrowsAsync<LightningException>(() => LinesAsync(product, dataset, DatasetFormat.Dpo));
        Assert.Equal(
            (ErrorKind.Invalid, "A data set of kind chat can be written as jsonl, openai, trl, csv, but not as dpo."),
            (error.Kind, error.Message)
        );
    }

    [Fact]
    public async Task A_data_set_of_another_agent_does_not_exist()
    {
        await using var product = await Product.OpenAsync();
        var dataset = await AddAsync(product, DatasetKind.Chat, Chat);
        var other = new Scope("key 1", Role.Admin, ["other"]);

        var error = await Assert.ThrowsAsync<LightningException>(() =>
            product.Get<ExportDataset>().ReadAsync(other, dataset.Id, DatasetFormat.Jsonl, null, Token)
        );

        Assert.Equal(ErrorKind.NotFound, error.Kind);
    }

    private static async Task<IReadOnlyList<string>> LinesAsync(
        Product product,
        Dataset dataset,
        DatasetFormat format,
        DatasetSide? side = null
    ) => await (await product.Get<ExportDataset>().ReadAsync(Product.Owner, dataset.Id, format, side, Token)).ToListAsync(Token);

    private static async Task<Dataset> AddAsync(Product product, DatasetKind kind, string row)
    {
        var artifact = await product.Get<IArtifactStore>().PutAsync(new MemoryStream(Encoding.UTF8.GetBytes(row + "\n")), Token);
        var now = DateTimeOffset.UnixEpoch;
        return await product
            .Get<IDatasetStore>()
            .AddAsync(
                new Dataset(Ids.New(now), Product.Agent, "data", 0, "rewarded", null, 1, 1, 0, 1, artifact, now) { Kind = kind },
                Token
            );
    }
}
