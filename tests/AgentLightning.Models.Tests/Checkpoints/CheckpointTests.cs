using System.Buffers.Binary;
using System.Text;
using AgentLightning.Models.Checkpoints;
using AgentLightning.Models.Loops;

namespace AgentLightning.Models.Tests;

public sealed class CheckpointTests
{
    [Fact]
    public async Task A_model_comes_back_as_it_was_written()
    {
        var (model, encoded, labels, texts) = Texts.Prepare(100);
        SupervisedLoop.Train(
            model,
            encoded,
            labels,
            new ClassifierTrainingOptions { Epochs = 2 },
            1,
            null,
            TestContext.Current.CancellationToken
        );

        var read = TextClassifierCheckpoint.Read(await BytesAsync(model));

        Assert.Equal(Texts.Parameters(model), Texts.Parameters(read));
        Assert.Equal(model.Labels, read.Labels);
        Assert.Equal(model.Features, read.Features);
        float[] before = new float[4],
            after = new float[4];
        Assert.All(texts, text => Assert.Equal(model.Predict(text, before), read.Predict(text, after)));
        Assert.Equal(before, after);
    }

    [Fact]
    public async Task The_file_is_laid_out_as_the_format_says()
    {
        var file = new SafeTensorsFile();
        file.Metadata["format"] = "test";
        file.Add("a", [1.5f, -2f], 2);
        file.Add("b", [7, 8, 9, 10, 11, 12], 2, 3);
        var stream = new MemoryStream();
        await file.WriteAsync(stream);
        var bytes = stream.ToArray();

        var headerLength = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        var header = Encoding.UTF8.GetString(bytes, 8, headerLength).TrimEnd(' ');

        Assert.Equal(
            """{"__metadata__":{"format":"test"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"I32","shape":[2,3],"data_offsets":[8,32]}}""",
            header
        );
        Assert.Equal(0, headerLength % 8);
        Assert.Equal(8 + headerLength + 32, bytes.Length);
        Assert.Equal(-2f, BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(8 + headerLength + 4)));
    }

    [Fact]
    public async Task Any_damage_is_an_error_that_is_meant_for_people_or_a_readable_model()
    {
        var (model, _, _, _) = Texts.Prepare(30);
        var whole = await BytesAsync(model);
        var random = new Random(7);
        for (var trial = 0; trial < 2_000; trial++)
        {
            var damaged = whole.ToArray();
            var headerEnd = 8 + (int)BinaryPrimitives.ReadInt64LittleEndian(whole);
            for (var i = random.Next(1, 4); i > 0; i--)
            {
                damaged[random.Next(headerEnd)] = (byte)random.Next(256);
            }

            if (random.Next(3) == 0)
            {
                damaged = damaged[..random.Next(damaged.Length)];
            }

            var error = Record.Exception(() => TextClassifierCheckpoint.Read(damaged));
            Assert.True(error is null or InvalidDataException, $"trial {trial}: {error}");
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("not a model, but long enough to have a header")]
    public void What_is_no_checkpoint_is_refused(string content) =>
        Assert.Throws<InvalidDataException>(() => TextClassifierCheckpoint.Read(Encoding.UTF8.GetBytes(content)));

    [Fact]
    public async Task A_tensor_of_another_shape_is_named_with_both_shapes()
    {
        var file = new SafeTensorsFile();
        file.Add("a", [1f, 2f], 2);
        var stream = new MemoryStream();
        await file.WriteAsync(stream);

        var error = Assert.Throws<InvalidDataException>(() => SafeTensorsFile.Read(stream.ToArray()).Singles("a", 1, 2));

        Assert.Equal("Tensor 'a' should be F32 [1, 2], but it is F32 [2].", error.Message);
    }

    private static async Task<byte[]> BytesAsync(Architectures.TextClassifier model)
    {
        var stream = new MemoryStream();
        await TextClassifierCheckpoint.WriteAsync(model, stream);
        return stream.ToArray();
    }
}
