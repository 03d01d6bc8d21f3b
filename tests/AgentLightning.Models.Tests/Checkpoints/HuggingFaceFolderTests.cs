using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Checkpoints;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Tests;

/// <summary>
/// Folders of models: what is written comes back bit for bit, damage is named, and a save that is cut off leaves a whole model.
/// </summary>
public sealed class HuggingFaceFolderTests : IDisposable
{
    private readonly Compute _compute = new(2);
    private readonly string _root = Directory.CreateTempSubdirectory("lightning-models-").FullName;

    public static TheoryData<string> Names => Golden.Names;

    private string Target => Path.Combine(_root, "model");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _compute.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_model_comes_back_bit_for_bit_also_in_several_files(string name)
    {
        using var model = HuggingFaceFolder.Load(Golden.FolderOf(name), _compute, cancellationToken: Cancellation);

        await HuggingFaceFolder.SaveAsync(model, Target, shardBytes: 4_000, cancellationToken: Cancellation);

        Assert.True(File.Exists(Path.Combine(Target, "model.safetensors.index.json")));
        Assert.False(File.Exists(Path.Combine(Target, "model.safetensors")));
        using var again = HuggingFaceFolder.Load(Target, _compute, cancellationToken: Cancellation);
        Assert.Equal(model.Config, again.Config);
        Assert.Equal(Values(model), Values(again));
    }

    [Theory]
    [InlineData(StoredType.BF16, "bfloat16")]
    [InlineData(StoredType.F16, "float16")]
    public async Task Narrow_weights_are_kept_as_the_file_has_them_and_widened_on_demand(StoredType type, string name)
    {
        using var wide = HuggingFaceFolder.Load(Golden.FolderOf("qwen3"), _compute, cancellationToken: Cancellation);
        await HuggingFaceFolder.SaveAsync(wide, Target, type: type, cancellationToken: Cancellation);

        using var narrow = HuggingFaceFolder.Load(Target, _compute, cancellationToken: Cancellation);
        using var widened = HuggingFaceFolder.Load(Target, _compute, StoredType.F32, Cancellation);

        Assert.All(narrow.Parameters, parameter => Assert.Equal(parameter.Shape.Count == 2 ? type : StoredType.F32, parameter.Type));
        Assert.Contains(name, await File.ReadAllTextAsync(Path.Combine(Target, "config.json"), Cancellation), StringComparison.Ordinal);
        Assert.Equal(Values(widened), Values(narrow));
        Close.All(Values(wide), Values(narrow), type == StoredType.BF16 ? 4e-3 : 5e-4);
        Assert.Contains(
            "cannot be trained",
            Assert.Throws<InvalidOperationException>(() => narrow.Train(true)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Other_files_and_other_keys_of_the_configuration_come_along()
    {
        var source = Copy("llama");
        await File.WriteAllTextAsync(Path.Combine(source, "tokenizer.json"), "{}", Cancellation);
        Change(source, json => json["eos_token_id"] = 7);
        using var model = HuggingFaceFolder.Load(source, _compute, cancellationToken: Cancellation);

        await HuggingFaceFolder.SaveAsync(model, Target, copyFrom: source, cancellationToken: Cancellation);

        Assert.Equal("{}", await File.ReadAllTextAsync(Path.Combine(Target, "tokenizer.json"), Cancellation));
        Assert.Equal(
            7,
            (int)JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(Target, "config.json"), Cancellation))!["eos_token_id"]!
        );
    }

    [Fact]
    public async Task A_save_that_is_cut_off_anywhere_leaves_a_model_that_loads()
    {
        using var model = HuggingFaceFolder.Load(Golden.FolderOf("gpt2"), _compute, cancellationToken: Cancellation);
        await HuggingFaceFolder.SaveAsync(model, Target, cancellationToken: Cancellation);
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            HuggingFaceFolder.SaveAsync(model, Target, cancellationToken: cancelled.Token)
        );
        HuggingFaceFolder.Load(Target, _compute, cancellationToken: Cancellation).Dispose();

        // Cut off between the two renames: the earlier folder waits beside its place.
        Directory.Move(Target, Target + ".old");
        HuggingFaceFolder.Load(Target, _compute, cancellationToken: Cancellation).Dispose();
        await HuggingFaceFolder.SaveAsync(model, Target, cancellationToken: Cancellation);
        Assert.Equal([Target], Directory.GetDirectories(_root));
    }

    [Theory]
    [InlineData("model_type", "\"mamba\"", "'model_type' is 'mamba', but only gpt2, llama, mistral, qwen2 or qwen3")]
    [InlineData("hidden_size", null, "'hidden_size' is missing")]
    [InlineData("hidden_size", "\"20\"", "'hidden_size' is \"20\", but only a whole number")]
    [InlineData(
        "hidden_size",
        "21",
        "tensor 'model.embed_tokens.weight' should be F32, F16 or BF16 [37, 21] after config.json, but it is F32 [37, 20]"
    )]
    [InlineData("vocab_size", "38", "[38, 20] after config.json, but it is F32 [37, 20]")]
    [InlineData("num_hidden_layers", "3", "tensor 'model.layers.2.input_layernorm.weight' [20] is missing")]
    [InlineData("num_key_value_heads", "3", "multiple of the key and value heads, but they are 4 and 3")]
    [InlineData("hidden_act", "\"relu\"", "'hidden_act' is 'relu', but only silu or swish")]
    [InlineData("rope_scaling", "{\"rope_type\":\"yarn\",\"factor\":2}", "'rope_type' is 'yarn', but only default, linear or llama3")]
    [InlineData("head_dim", "5", "head width must be even, but it is 5")]
    [InlineData("num_hidden_layers", "-1", "the layers must be 1 to")]
    public void What_is_wrong_with_a_configuration_is_named_with_its_file(string key, string? value, string message)
    {
        var folder = Copy("llama");
        Change(folder, json =>
        {
            json.Remove(key);
            if (value is not null)
            {
                json[key] = JsonNode.Parse(value);
            }
        });

        var error = Assert.Throws<InvalidDataException>(() => HuggingFaceFolder.Load(folder, _compute, cancellationToken: Cancellation));

        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Contains(folder, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Weights_that_are_not_finite_cut_off_or_absent_are_named_with_their_file()
    {
        var folder = Copy("llama");
        var weights = Path.Combine(folder, "model.safetensors");
        var bytes = File.ReadAllBytes(weights);
        var header = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(8 + header + (4 * 21)), float.NaN);
        File.WriteAllBytes(weights, bytes);
        Check("model.safetensors: number 21 of tensor 'model.embed_tokens.weight' is NaN");

        File.WriteAllBytes(weights, bytes[..^10]);
        Check("which does not fit");
        File.WriteAllBytes(weights, bytes[..100]);
        Check("It is cut off");
        BinaryPrimitives.WriteInt64LittleEndian(bytes, long.MaxValue);
        File.WriteAllBytes(weights, bytes);
        Check("not a safetensors file");
        File.WriteAllBytes(
            weights,
            Header("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12)
        );
        Check("Tensors 'a' and 'b' overlap");
        File.WriteAllBytes(
            weights,
            Header("""{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}""", 0)
        );
        Check("'a' is in the header twice");
        File.WriteAllBytes(
            weights,
            Header("""{"model.embed_tokens.weight":{"dtype":"I64","shape":[37,20],"data_offsets":[0,5920]}}""", 5920)
        );
        Check("but it is I64 [37, 20]");
        File.WriteAllText(Path.Combine(folder, "model.safetensors.index.json"), """{"weight_map":{"a":"../../secret"}}""");
        Check("'../../secret' is not the name of a file in the folder");
        File.WriteAllText(Path.Combine(folder, "model.safetensors.index.json"), """{"weight_map":{"a":"gone.safetensors"}}""");
        Check("gone.safetensors: the file is missing");
        File.Delete(Path.Combine(folder, "model.safetensors.index.json"));
        File.Delete(weights);
        Check("there is neither model.safetensors nor");
        File.Delete(Path.Combine(folder, "config.json"));
        Check("there is no config.json");

        void Check(string message)
        {
            var error = Assert.Throws<InvalidDataException>(() =>
                HuggingFaceFolder.Load(folder, _compute, cancellationToken: Cancellation)
            );
            Assert.Contains(message, error.Message, StringComparison.Ordinal);
            Assert.Contains(folder, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_model_larger_than_the_memory_is_refused_before_anything_is_allocated()
    {
        var config = TinyModels.Config(TransformerFamily.Llama, tied: false) with
        {
            Width = 1 << 20,
            InnerWidth = 1 << 22,
            Layers = 1 << 10,
        };

        var error = Assert.Throws<InvalidDataException>(() => Transformer.Allocate(config));

        Assert.Contains("GB", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_without_their_first_part_and_a_superfluous_output_layer_are_understood()
    {
        var folder = Copy("gpt2");
        var path = Path.Combine(folder, "model.safetensors");
        var bare = new SafeTensorsFile();
        using (var file = SafeTensorsFile.Open(path))
        {
            foreach (var name in file.Names)
            {
                long[] shape = [.. file.ShapeOf(name)];
                bare.Add(name["transformer.".Length..], file.Singles(name, shape), shape);
            }

            bare.Add("lm_head.weight", [1f], 1);
        }

        await using (var stream = File.Create(path))
        {
            await bare.WriteAsync(stream, Cancellation);
        }

        using var expected = HuggingFaceFolder.Load(Golden.FolderOf("gpt2"), _compute, cancellationToken: Cancellation);
        using var model = HuggingFaceFolder.Load(folder, _compute, cancellationToken: Cancellation);
        Assert.Equal(Values(expected), Values(model));
    }

    private static byte[] Header(string json, int data)
    {
        var text = Encoding.UTF8.GetBytes(json);
        var bytes = new byte[8 + text.Length + data];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, text.Length);
        text.CopyTo(bytes, 8);
        return bytes;
    }

    private static float[] Values(Transformer model) =>
        [
            .. model.Parameters.SelectMany(parameter =>
            {
                var values = new float[parameter.Count];
                parameter.Read(0, values);
                return values;
            }),
        ];

    private static void Change(string folder, Action<JsonObject> change)
    {
        var path = Path.Combine(folder, "config.json");
        var json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        change(json);
        File.WriteAllText(path, json.ToJsonString());
    }

    private string Copy(string name)
    {
        var folder = Path.Combine(_root, "source");
        Directory.CreateDirectory(folder);
        foreach (var file in new[] { "config.json", "model.safetensors" })
        {
            File.Copy(Path.Combine(Golden.FolderOf(name), file), Path.Combine(folder, file));
        }

        return folder;
    }
}
