using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace AgentLightning.Server.Tests.Support;

/// <summary>An answer as it came over the wire.</summary>
public sealed record RawResponse(int Status, IReadOnlyDictionary<string, string> Headers, string Body);

/// <summary>A connection that sends bytes as they are, several requests after each other, and reads the answers.</summary>
public sealed class RawConnection : IDisposable
{
    private readonly TcpClient _client;
    private readonly byte[] _buffer = new byte[64 * 1024];
    private NetworkStream _stream = null!;
    private int _from,
        _to;

    private RawConnection(TcpClient client) => _client = client;

    /// <summary>Connects.</summary>
    /// <param name="from">The address of this machine to come from; any by default.</param>
    public static async Task<RawConnection> OpenAsync(Uri address, string? from = null)
    {
        var connection = new RawConnection(from is null ? new TcpClient() : new TcpClient(new IPEndPoint(IPAddress.Parse(from), 0)));
        connection._client.NoDelay = true;
        await connection._client.ConnectAsync(address.Host, address.Port);
        connection._stream = connection._client.GetStream();
        return connection;
    }

    /// <summary>Sends the requests together and gives the answers that came before the server closed the connection.</summary>
    public async Task<IReadOnlyList<RawResponse>> ExchangeAsync(IReadOnlyList<(byte[] Bytes, bool IsHead)> requests, bool thenEnd = false)
    {
        // At the same time: a server that waits until its answers are read does not read.
        var writing = WriteAsync(requests, thenEnd);
        var responses = new List<RawResponse>();
        while (responses.Count < requests.Count && await ReadAsync(requests[responses.Count].IsHead) is { } response)
        {
            responses.Add(response);
        }

        if (responses.Count < requests.Count)
        {
            _client.Close();
        }

        await writing;
        return responses;
    }

    /// <summary>Sends bytes, and reads nothing.</summary>
    public async Task SendAsync(string text) => await _stream.WriteAsync(Encoding.ASCII.GetBytes(text));

    /// <summary>Completes when the server has closed the connection.</summary>
    public async Task ClosedAsync()
    {
        while (await FillAsync()) { }
    }

    public void Dispose() => _client.Dispose();

    private async Task WriteAsync(IReadOnlyList<(byte[] Bytes, bool IsHead)> requests, bool thenEnd)
    {
        try
        {
            await _stream.WriteAsync(requests.SelectMany(request => request.Bytes).ToArray());
            if (thenEnd)
            {
                _client.Client.Shutdown(SocketShutdown.Send);
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or SocketException)
        {
            // The server closes a connection on which it was sent nonsense, also before it has read all of it.
        }
    }

    /// <summary>The next answer; null when the server closed the connection before it.</summary>
    public async Task<RawResponse?> ReadAsync(bool isHead)
    {
        while (true)
        {
            if (await LineAsync() is not { } line)
            {
                return null;
            }

            var status = int.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);
            var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
            while (await LineAsync() is { Length: > 0 } header)
            {
                var colon = header.IndexOf(':', StringComparison.Ordinal);
                headers[header[..colon]] = header[(colon + 1)..].Trim();
            }

            if (status >= 200)
            {
                return new RawResponse(status, headers, isHead || status is 204 or 304 ? "" : await BodyAsync(headers));
            }
        }
    }

    private async Task<string> BodyAsync(Dictionary<string, string> headers)
    {
        var body = new MemoryStream();
        if (headers.TryGetValue("content-length", out var length))
        {
            await CopyAsync(body, int.Parse(length, CultureInfo.InvariantCulture));
        }
        else if (headers.ContainsKey("transfer-encoding"))
        {
            while (
                await LineAsync() is { } size
                && int.Parse(size.Split(';')[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture) is > 0 and var count
            )
            {
                await CopyAsync(body, count);
                await LineAsync();
            }

            await LineAsync();
        }
        else
        {
            await CopyAsync(body, int.MaxValue);
        }

        return Encoding.UTF8.GetString(body.ToArray());
    }

    private async Task CopyAsync(MemoryStream to, int count)
    {
        while (count > 0 && (_from < _to || await FillAsync()))
        {
            var part = Math.Min(count, _to - _from);
            to.Write(_buffer, _from, part);
            _from += part;
            count -= part;
        }
    }

    /// <summary>The next line of an answer; null when there is none.</summary>
    public async Task<string?> LineAsync()
    {
        var line = new StringBuilder();
        while (_from < _to || await FillAsync())
        {
            var c = (char)_buffer[_from++];
            if (c == '\n')
            {
                return line.ToString().TrimEnd('\r');
            }

            line.Append(c);
        }

        return null;
    }

    private async Task<bool> FillAsync()
    {
        try
        {
            (_from, _to) = (0, await _stream.ReadAsync(_buffer));
            return _to > 0;
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or SocketException)
        {
            _to = 0;
            return false;
        }
    }
}
