using System.Text;
using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Storage;
using AgentLightning.Tests.Storage;

namespace AgentLightning.Tests.Datasets;

public sealed class DatasetReaderTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rows_of_each_kind_come_back_as_they_were_stored()
    {
        await using var product = await Product.OpenAsync();
        DatasetMessage[] asked = [new("system", "Be short."), new("user", "Where is my parcel? 📦")];
        var call = new DatasetMessage("assistant", null, [new DatasetToolCall("c1", "track", """{"id":7}""")]);
        var answer = new DatasetMessage("assistant", "It is \"late\".\n");
        var chat = new ChatRow(
            "s1",
            DatasetSide.Train,
            [.. asked, call, new DatasetMessage("tool", "late", null, "c1"), answer],
            JsonElement.Parse("""[{"type":"function"}]"""),
            0.5,
            ["e1"],
            "shop"
        );
        var preference = new PreferenceRow("s1", DatasetSide.Validation, asked, answer, call, 1, -1, ["e1", "e2"]);
        var prompt = new PromptRow("s1", DatasetSide.Train, asked, "late", [new DatasetAnswer("e1", "lost", 0, -1)]);

        Assert.Equal(Json(chat), Json(await StoredAsync(product, DatasetKind.Chat, chat)));
        Assert.Equal(Json(preference), Json(await StoredAsync(product, DatasetKind.Preference, preference)));
        Assert.Equal(Json(prompt), Json(await StoredAsync(product, DatasetKind.Prompts, prompt)));
    }

    [Fact]
    public async Task Rows_of_another_kind_are_refused()
    {
        await using var product = await Product.OpenAsync();
        var dataset = await AddAsync(product, DatasetKind.Chat, "{}\n");

        var error = await Assert.ThrowsAsync<LightningException>(async () =>
            await product.Get<DatasetReader>().ReadRowsAsync<PreferenceRow>(dataset, Token).FirstAsync(Token)
        );

        Assert.Equal(ErrorKind.Invalid, error.Kind);
        Assert.Contains("is of kind chat", error.Message, StringComparison.Ordinal);
        Assert.Contains("preference", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"key\":\"k\",\"side\":\"train\",\"answers\":[]}\n")]
    [InlineData("not JSON\n")]
    public async Task Content_that_was_changed_is_refused_at_its_end_at_the_latest(string changed)
    {
        await using var product = await Product.OpenAsync();
        var dataset = await AddAsync(product, DatasetKind.Prompts, "{\"key\":\"k\",\"side\":\"validation\",\"answers\":[]}\n");
        await File.WriteAllTextAsync(product.ArtifactPath(dataset.Artifact), changed, Token);

        var error = await Assert.ThrowsAsync<LightningException>(async () =>
            await product.Get<DatasetReader>().ReadRowsAsync<PromptRow>(dataset, Token).ToListAsync(Token)
        );

        Assert.Equal(ErrorKind.Corrupt, error.Kind);
    }

    private static async Task<T> StoredAsync<T>(Product product, DatasetKind kind, T row)
        where T : class
    {
        var dataset = await AddAsync(product, kind, Json(row) + "\n");
        return await product.Get<DatasetReader>().ReadRowsAsync<T>(dataset, Token).SingleAsync(Token);
    }

    private static async Task<Dataset> AddAsync(Product product, DatasetKind kind, string content)
    {
        var artifact = await product.Get<IArtifactStore>().PutAsync(new MemoryStream(Encoding.UTF8.GetBytes(content)), Token);
        var dataset = new Dataset(
            Ids.New(DateTimeOffset.UnixEpoch),
            Product.Agent,
            "data",
            0,
            "rewarded",
            null,
            1,
            1,
            0,
            1,
            artifact,
            DateTimeOffset.UnixEpoch
        )
        {
            Kind = kind,
            Description = "what it is for",
        };
        var stored = await product.Get<IDatasetStore>().AddAsync(dataset, Token);
        Assert.Equal(dataset with { Version = stored.Version }, stored);
        return stored;
    }

    private static string Json<T>(T row) => JsonSerializer.Serialize(row, LightningJson.Options);
}
