using AgentLightning.Common;
using AgentLightning.Storage;

namespace AgentLightning.Tests.Storage.Conformance;

public abstract class ArtifactStoreConformance<TEngine> : StoreConformance<TEngine>
    where TEngine : StoreEngine, new()
{
    private IArtifactStore Store => Get<IArtifactStore>();

    [Fact]
    public async Task Content_comes_back_by_its_hash_and_the_same_content_is_one_artifact()
    {
        var id = await PutAsync("hello"u8.ToArray());

        Assert.Equal("sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", id);
        Assert.Equal(id, await PutAsync("hello"u8.ToArray()));
        Assert.Equal("hello"u8.ToArray(), await Store.ReadAllAsync(id, Token));
    }

    [Fact]
    public async Task Content_is_read_piece_by_piece_and_damage_is_told_at_its_end_at_the_latest()
    {
        var content = new byte[3_000_000];
        new Random(2).NextBytes(content);
        var id = await Store.PutAsync(new MemoryStream(content), Token);
        await Engine.ChangeArtifactAsync(id);
        await using var stream = await Store.OpenAsync(id, Token);
        var first = new byte[100_000];
        await stream.ReadExactlyAsync(first, Token);

        var error = await Assert.ThrowsAsync<LightningException>(() => stream.CopyToAsync(Stream.Null, Token));

        Assert.Equal(content[..100_000], first);
        Assert.Equal(ErrorKind.Corrupt, error.Kind);
        Assert.Equal(ErrorKind.Corrupt, (await Assert.ThrowsAsync<LightningException>(() => Store.CheckAsync(id, Token))).Kind);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5_000_000)]
    public async Task Content_of_any_size_and_any_bytes_comes_back(int size)
    {
        var content = new byte[size];
        new Random(1).NextBytes(content);

        Assert.Equal(content, await Store.ReadAllAsync(await PutAsync(content), Token));
    }

    [Fact]
    public async Task The_next_process_reads_it()
    {
        var id = await PutAsync("hello"u8.ToArray());

        var other = (IArtifactStore)(await Engine.OpenAsync()).GetService(typeof(IArtifactStore))!;

        Assert.Equal("hello"u8.ToArray(), await other.ReadAllAsync(id, Token));
    }

    [Fact]
    public async Task Many_that_store_the_same_at_once_all_succeed()
    {
        var ids = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => PutAsync("hello"u8.ToArray()))));

        Assert.Single(ids.Distinct());
    }

    [Fact]
    public async Task Changed_content_is_refused_with_both_hashes_until_it_is_stored_again()
    {
        var id = await PutAsync("hello"u8.ToArray());
        await Engine.ChangeArtifactAsync(id);

        var error = await Assert.ThrowsAsync<LightningException>(() => Store.ReadAllAsync(id, Token));

        Assert.Equal(ErrorKind.Corrupt, error.Kind);
        Assert.Contains(id, error.Message, StringComparison.Ordinal);
        Assert.Contains("ce06092fb948d9ffac7d1a376e404b26b7575bcc11ee05a4615fef4fec3a308b", error.Message, StringComparison.Ordinal);
        await PutAsync("hello"u8.ToArray());
        Assert.Equal("hello"u8.ToArray(), await Store.ReadAllAsync(id, Token));
    }

    [Fact]
    public async Task A_missing_artifact_is_damage()
    {
        var id = await PutAsync("hello"u8.ToArray());
        await Engine.LoseArtifactAsync(id);

        var error = await Assert.ThrowsAsync<LightningException>(() => Store.ReadAllAsync(id, Token));

        Assert.Equal(ErrorKind.Corrupt, error.Kind);
        Assert.Contains(id, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("sha256:../../../etc/passwd")]
    [InlineData("md5:abc")]
    public async Task An_id_that_is_none_is_refused(string id)
    {
        var error = await Assert.ThrowsAsync<LightningException>(() => Store.ReadAllAsync(id, Token));

        Assert.Equal(ErrorKind.Invalid, error.Kind);
    }

    [Fact]
    public async Task A_write_that_fails_leaves_nothing()
    {
        await Assert.ThrowsAsync<IOException>(() =>
            Store.PutAsync(
                async stream =>
                {
                    await stream.WriteAsync("hello"u8.ToArray());
                    throw new IOException("gone");
                },
                Token
            )
        );

        var error = await Assert.ThrowsAsync<LightningException>(() =>
            Store.ReadAllAsync("sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", Token)
        );
        Assert.Equal(ErrorKind.Corrupt, error.Kind);
    }

    [Fact]
    public async Task What_was_removed_is_missing_and_can_be_stored_again()
    {
        var (gone, other) = (await PutAsync([1, 2, 3]), await PutAsync([4]));

        await Store.RemoveAsync(gone, Token);
        await Store.RemoveAsync(gone, Token);

        var error = await Assert.ThrowsAsync<LightningException>(() => Store.ReadAllAsync(gone, Token));
        Assert.Equal(ErrorKind.Corrupt, error.Kind);
        Assert.Equal([4], await Store.ReadAllAsync(other, Token));
        Assert.Equal(gone, await PutAsync([1, 2, 3]));
        Assert.Equal([1, 2, 3], await Store.ReadAllAsync(gone, Token));
    }

    private Task<string> PutAsync(byte[] content) => Store.PutAsync(stream => stream.WriteAsync(content).AsTask(), Token);
}
