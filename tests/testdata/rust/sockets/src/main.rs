//! Uses `std::net` as its first argument says, and prints the outcome.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use std::time::Duration;

type Outcome = std::io::Result<String>;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let arg = |index: usize| args.get(index).cloned().unwrap_or_default();
    let outcome = match arg(1).as_str() {
        "send" => send(&arg(2), arg(3).as_bytes()),
        "echo" => echo(&arg(2), arg(3).parse().unwrap()),
        "connect" => TcpStream::connect(arg(2)).map(|_| "connected".into()),
        "hold" => hold(&arg(2)),
        "spin" => spin(&arg(2)),
        "bind" => TcpListener::bind(arg(2)).map(|_| "bound".into()),
        "serve" => serve(&arg(2), arg(3).parse().unwrap()),
        "itself" => itself(&arg(2)),
        "many" => many(&arg(2)),
        "look-up" => (arg(2).as_str(), 0u16).to_socket_addrs().map(|found| {
            let mut addresses: Vec<String> = found.map(|each| each.ip().to_string()).collect();
            addresses.sort();
            addresses.dedup();
            addresses.join(" ")
        }),
        "udp" => udp(&arg(2), &arg(3)),
        "udp-serve" => udp_serve(&arg(2)),
        other => Ok(format!("unknown: {other}")),
    };
    match outcome {
        Ok(text) => println!("{text}"),
        Err(error) => println!("error: {:?}", error.kind()),
    }
}

/// Sends a text, ends the sending side, and returns all that comes back.
fn send(address: &str, text: &[u8]) -> Outcome {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(text)?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Sends bytes to a server that returns them, in turns of a megabyte, and compares.
fn echo(address: &str, megabytes: usize) -> Outcome {
    let mut stream = TcpStream::connect(address)?;
    let sent: Vec<u8> = (0..1 << 20)
        .map(|at: u32| (at.wrapping_mul(2654435761) >> 24) as u8)
        .collect();
    let mut received = vec![0; sent.len()];
    for _ in 0..megabytes {
        for part in 0..16 {
            let range = part * 65_536..(part + 1) * 65_536;
            stream.write_all(&sent[range.clone()])?;
            stream.read_exact(&mut received[range])?;
        }
        if sent != received {
            return Ok("other bytes came back".into());
        }
    }
    Ok(format!("{megabytes} MiB came back"))
}

/// Connects and reads until the server closes.
fn hold(address: &str) -> Outcome {
    let mut stream = TcpStream::connect(address)?;
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest)?;
    Ok(format!("{} bytes", rest.len()))
}

/// Reads without waiting until something comes.
fn spin(address: &str) -> Outcome {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"x")?;
    stream.set_nonblocking(true)?;
    let mut buffer = [0; 1];
    loop {
        match stream.read(&mut buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
            Ok(count) => return Ok(format!("{count} {buffer:?}")),
        }
    }
}

/// Prints its address, and returns to each client what it sends.
fn serve(address: &str, clients: usize) -> Outcome {
    let listener = TcpListener::bind(address)?;
    println!("{}", listener.local_addr()?);
    for _ in 0..clients {
        let (mut stream, _) = listener.accept()?;
        let mut buffer = [0; 65_536];
        loop {
            let count = stream.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            stream.write_all(&buffer[..count])?;
        }
    }
    Ok(format!("served {clients}"))
}

/// Connects to a listener of its own.
fn itself(address: &str) -> Outcome {
    let listener = TcpListener::bind(address)?;
    let mut client = TcpStream::connect(listener.local_addr()?)?;
    let (mut server, peer) = listener.accept()?;
    let same = peer == client.local_addr()? && server.local_addr()? == client.peer_addr()?;
    client.write_all("é".as_bytes())?;
    let mut buffer = [0; 2];
    server.read_exact(&mut buffer)?;
    server.set_nonblocking(true)?;
    let empty = server.read(&mut buffer).map_err(|error| error.kind());
    drop(client);
    server.set_nonblocking(false)?;
    let end = server.read(&mut buffer)?;
    Ok(format!("{same} {buffer:?} {empty:?} {end}"))
}

/// Connects until that fails, and returns how often it succeeded.
fn many(address: &str) -> Outcome {
    let mut streams = Vec::new();
    loop {
        match TcpStream::connect(address) {
            Ok(stream) => streams.push(stream),
            Err(error) => {
                return Ok(format!(
                    "{} connections, then {:?}",
                    streams.len(),
                    error.kind()
                ))
            }
        }
        if streams.len() > 1000 {
            return Ok("no limit".into());
        }
    }
}

/// Sends datagrams of several sizes to a server that returns them.
fn udp(address: &str, local: &str) -> Outcome {
    let socket = UdpSocket::bind(local)?;
    let mut buffer = vec![0; 65_536];
    for size in [0, 1, 1200, 60_000] {
        let sent = vec![size as u8; size];
        socket.send_to(&sent, address)?;
        let (count, peer) = socket.recv_from(&mut buffer)?;
        if buffer[..count] != sent || peer.to_string() != address {
            return Ok(format!("{count} bytes from {peer}"));
        }
    }
    socket.connect(address)?;
    socket.send(b"connected")?;
    let count = socket.recv(&mut buffer)?;
    let too_large = socket
        .send(&vec![0; 70_000])
        .map_err(|error| error.raw_os_error().is_some());
    socket.set_read_timeout(Some(Duration::from_millis(1))).ok();
    Ok(format!(
        "{} {too_large:?}",
        String::from_utf8_lossy(&buffer[..count])
    ))
}

/// Prints its address, and returns one datagram to its sender.
fn udp_serve(address: &str) -> Outcome {
    let socket = UdpSocket::bind(address)?;
    println!("{}", socket.local_addr()?);
    let mut buffer = [0; 65_536];
    let (count, peer) = socket.recv_from(&mut buffer)?;
    socket.send_to(&buffer[..count], peer)?;
    Ok(format!("{count} bytes"))
}
